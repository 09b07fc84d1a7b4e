"""Results of photos on the screen: what was found, picture and faces of each, downloads last."""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.expression.answer import counted, sentence, short
from core.types import Answer
from services.analysis.downloads import annotated_name, annotated_png, results_zip
from services.analysis.photos import PhotoResult, results_csv, results_json
from ui.faces.card import cards_html, reliability
from ui.faces.explanation import face_explained
from ui.faces.pictures import Shown
from ui.photos.session import Photo, shown
from ui.runtime.printing import print_button
from ui.runtime.runs import fragment
from ui.shared.resources import report
from ui.shared.text import counted_of, plain
from ui.shared.widgets import download

_PHOTOS_PER_PAGE = 4
_PAGES_PX = 260  # room for three numbers and the arrows, on a phone, too
_FACES_PER_PAGE = 24
_COMPARED = 6
_BESIDE_PICTURE = 2  # more faces than these stand below the picture
_FILES = {"mien.json": "JSON", "mien.csv": "CSV", "mien.zip": "ZIP of all"}
Analysed = tuple[Photo, PhotoResult]


@fragment
def show_results(analysed: Sequence[Analysed], model_id: str, detector: str) -> None:
    """What was found in these photos, in their order, each with its picture and its faces."""
    results = [result for _, result in analysed]
    st.header(found_words(results), anchor=False)
    show_refused(results)
    seen = [pair for pair in enumerate(analysed, start=1) if pair[1][1].analysis is not None]
    shown_now, beside = slice(1), False
    if len(seen) > 1:
        with st.container(horizontal=True, vertical_alignment="center"):
            shown_now = page_of(len(seen), _PHOTOS_PER_PAGE, "photos_page", width=_PAGES_PX)
            beside = st.toggle("Side by side", key="photos_beside")
    columns = st.columns(2, gap="large") if beside else [st.container()]
    for place, (number, (photo, result)) in enumerate(seen[shown_now]):
        with columns[place % len(columns)]:
            one_photo(number, photo, result, titled=len(analysed) > 1, narrow=beside)
    if seen:
        st.caption(reliability(answers(results), report(model_id)))
        downloads(analysed, model_id, detector, _FILES)


def show_compared(first: Sequence[Analysed], second: Sequence[Analysed]) -> None:
    """Two models' answers on the same photos, side by side."""
    pairs = list(zip(first, second, strict=False))
    same = [
        short(one.answer) == short(other.answer)
        for (_, left), (_, right) in pairs
        if left.analysis is not None and right.analysis is not None
        for one, other in zip(left.analysis.faces, right.analysis.faces, strict=True)
    ]
    show_refused([result for _, result in first])
    st.header(f"The models agree on {sum(same)} of {counted_of(len(same), 'face')}", anchor=False)
    for number, pair in enumerate(pairs[:_COMPARED], start=1):
        _compared_photo(number, *pair)
    if len(pairs) > _COMPARED:
        st.caption(f"The first {_COMPARED} of {len(pairs)} photos are shown.")


def _compared_photo(number: int, first: Analysed, second: Analysed) -> None:
    (photo, left), (_, right) = first, second
    if left.analysis is None or right.analysis is None:
        return
    model_ids = (left.analysis.model_id, right.analysis.model_id)
    seen = shown(photo, left)
    faces = list(zip(left.analysis.faces, right.analysis.faces, strict=True))
    st.subheader(plain(left.name), anchor=False)
    key = f"compared_{number}_{photo.id}"
    picture, cards = _side_by_side(below=len(faces) > _BESIDE_PICTURE)
    with picture:
        _picture(key, number, photo, left, seen)
        st.caption(f"Labels in the picture: {model_ids[0]}.")
    with cards:
        part = page_of(len(faces), _FACES_PER_PAGE, f"faces_{key}")
        if faces:
            numbered = list(enumerate(faces, start=1))[part]
            st.html(cards_html(numbered, seen.faces_jpeg[part], model_ids))
    for result, model_id in zip((left, right), model_ids, strict=True):
        _why(f"{key}_{model_id}", photo, result, f"What drove {model_id}'s answer?")


def show_left(results: Sequence[PhotoResult]) -> None:
    """Results whose photos went when the page was left: all but the pictures."""
    st.header(found_words(results), anchor=False)
    st.info(
        "The photos were dropped when you left this page; what was found in them stays until you "
        "forget it or close the page.",
        icon=":material/hide_image:",
    )
    show_refused(results)
    for result in results:
        if result.analysis is None:
            continue
        st.subheader(plain(result.name), anchor=False)
        if result.analysis.faces:
            faces = enumerate(result.analysis.faces, start=1)
            st.html(cards_html((number, [face]) for number, face in faces))
        else:
            st.markdown(found_words([result]))


def show_refused(results: Sequence[PhotoResult]) -> None:
    """Why photos were refused, all in one place."""
    reasons = [f"**{plain(r.name)}** – {plain(r.error)}" for r in results if r.error is not None]
    if reasons:
        st.error("\n\n".join(reasons), icon=":material/block:")


def found_words(results: Sequence[PhotoResult]) -> str:
    """Such as "2 photos, 6 faces: 4 happy, 2 neutral or sad", or a sentence for one face."""
    every = list(answers(results))
    n_refused = sum(result.error is not None for result in results)
    if len(results) == 1:
        if n_refused:
            return "This photo was refused"
        if len(every) == 1:
            return f"1 face: {sentence(every[0])}"
    parts = [] if len(results) == 1 else [f"{len(results):,} photos"]
    parts.append(counted_of(len(every), "face") if every else "no face")
    if n_refused:
        parts.append(f"{n_refused:,} refused")
    return ", ".join(parts) + (f": {counted(every)}" if every else "")


def answers(results: Iterable[PhotoResult]) -> Iterable[Answer]:
    """What people would say of every face, in reading order."""
    return (face.answer for r in results if r.analysis is not None for face in r.analysis.faces)


def one_photo(
    number: int, photo: Photo, result: PhotoResult, *, titled: bool = True, narrow: bool = False
) -> None:
    """One photo: picture and notes beside its faces; nothing of one that was refused.

    If `titled`, its name and what was found stand above; if `narrow`, faces stand below.
    """
    if result.analysis is None:
        return
    if titled:
        st.subheader(plain(result.name), anchor=False)
        st.markdown(found_words([result]))
    faces = result.analysis.faces
    key = f"{number}_{photo.id}_{result.analysis.model_id}"
    seen = shown(photo, result)
    picture, cards = _side_by_side(below=narrow or len(faces) > _BESIDE_PICTURE)
    with picture:
        _picture(key, number, photo, result, seen)
    with cards:
        part = page_of(len(faces), _FACES_PER_PAGE, f"faces_{key}")
        if faces:
            numbered = [(at, [face]) for at, face in enumerate(faces, start=1)]
            st.html(cards_html(numbered[part], seen.faces_jpeg[part]))
    with st.container(key=f"explained_{key}"):
        _why(key, photo, result)


def _side_by_side(*, below: bool) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Places for a picture and its faces: beside it, or where they are many, below."""
    if below:
        return st.container(), st.container()
    picture, cards = st.columns([1.4, 1], gap="large")
    return picture, cards


def _picture(key: str, number: int, photo: Photo, result: PhotoResult, seen: Shown) -> None:
    analysis = result.analysis
    assert analysis is not None
    n_faces = len(analysis.faces)
    if seen.picture_jpeg is not None:
        alt = f"{result.name}: {counted_of(n_faces, 'face')} in boxes"
        st.image(seen.picture_jpeg, width="stretch", alt=alt)
    for note in result.notes:
        st.info(note, icon=":material/info:")
    width, height = analysis.size_wh
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{width} × {height} pixels, analysed by {analysis.model_id} in "
            f"{analysis.timings_ms['total']:.0f} ms",
            width="stretch",
        )
        if n_faces:
            download(
                "Annotated picture (PNG)",
                lambda: annotated_png(photo.pixels(), analysis),
                annotated_name(number, result.name),
                key=f"png_{key}",
            )


def page_of(n: int, per_page: int, key: str, **look: Any) -> slice:
    """Which of `n` are shown; where they are too many for one page, a choice."""
    page = st.pagination(-(-n // per_page), key=key, **look) if n > per_page else 1
    return slice((page - 1) * per_page, page * per_page)


def _why(
    key: str, photo: Photo, result: PhotoResult, question: str = "What drove the answer?"
) -> None:
    """Which parts of a face drove its answer, in the full width; computed when asked for."""
    analysis = result.analysis
    assert analysis is not None
    judged = [n for n, face in enumerate(analysis.faces, start=1) if face.scores is not None]
    if not judged:
        return
    chosen = st.pills(question, judged, key=f"why_{key}", format_func="Face {}".format)
    if chosen is not None:
        face_explained(analysis, chosen, photo.pixels())


def downloads(
    analysed: Sequence[Analysed], model_id: str, detector: str, titles: Mapping[str, str]
) -> None:
    """Files of all results, each under its title, and a button to print."""
    results = [result for _, result in analysed]
    chosen = {"model_id": model_id, "detector": detector}
    pixels = [photo.pixels for photo, _ in analysed]
    made: dict[str, Callable[[], str | bytes]] = {
        "mien.json": partial(results_json, results, **chosen),
        "mien.csv": partial(results_csv, results),
        "mien.parquet": partial(_parquet, results),
        "mien.zip": partial(results_zip, results, pixels, **chosen),
    }
    with st.container(horizontal=True, key="downloads"):
        for name, title in titles.items():
            download(title, made[name], name, key=f"all_{name}")
        print_button()


def _parquet(results: Sequence[PhotoResult]) -> bytes:
    import pyarrow.parquet as parquet

    from services.batch.table import results_table

    buffer = io.BytesIO()
    parquet.write_table(results_table(results, 0), buffer, compression="zstd")
    return buffer.getvalue()
