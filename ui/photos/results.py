"""Results of photos on the screen: overview, picture and faces of each, downloads."""

from typing import Any

import pandas as pd
import streamlit as st

from core.drawing.photo import draw_analysis
from core.expression.answer import counted
from core.pictures.quarter_turns import upright
from core.types import Analysis, ImageRGB
from services.analysis.downloads import annotated_name, annotated_png, results_zip
from services.analysis.photos import PhotoResult, results_csv, results_json
from ui.faces.card import face_card
from ui.faces.explanation import explanation_toggle
from ui.photos.session import Photo
from ui.shared.resources import report

_PHOTOS_PER_PAGE = 4
_FACES_PER_PAGE = 12
_BESIDE_PICTURE = 2  # more faces than these stand below the picture, in columns
_CARD_COLUMNS = 3
_SHOWN_SIDE_PX = 1280  # what a screen shows, and a tenth of the bytes to send


def show_results(analysed: list[tuple[Photo, PhotoResult]], model_id: str, detector: str) -> None:
    """Everything below the uploader."""
    _downloads(analysed, model_id, detector)
    if len(analysed) > 1:
        overview([result for _, result in analysed])
    n_pages = -(-len(analysed) // _PHOTOS_PER_PAGE)
    page = 1
    if n_pages > 1:
        page = st.segmented_control(
            "Photos", range(1, n_pages + 1), default=1, required=True,
            format_func=lambda n: _page_title(n, len(analysed)),
        )  # fmt: skip
    first = (page - 1) * _PHOTOS_PER_PAGE
    for index in range(first, min(first + _PHOTOS_PER_PAGE, len(analysed))):
        _photo(index + 1, *analysed[index], report(model_id))


def _page_title(page: int, n_photos: int) -> str:
    first = (page - 1) * _PHOTOS_PER_PAGE + 1
    last = min(page * _PHOTOS_PER_PAGE, n_photos)
    return f"{first}–{last}" if last > first else str(first)


def overview(results: list[PhotoResult], *, height_px: int = 260) -> None:
    """Counts of all photos, and a row for each."""
    rows = [
        {
            "file": result.name,
            "faces": 0 if result.analysis is None else len(result.analysis.faces),
            "people would say": _said(result),
            "remark": " ".join(result.notes) if result.error is None else str(result.error),
        }
        for result in results
    ]
    n_refused = sum(result.error is not None for result in results)
    n_faces = sum(len(r.analysis.faces) for r in results if r.analysis is not None)
    refused = f", {n_refused} refused" if n_refused else ""
    faces = "1 face" if n_faces == 1 else f"{n_faces} faces"
    photos = "1 photo" if len(results) == 1 else f"{len(results):,} photos"
    st.markdown(f"**{photos}, {faces}{refused}**")
    st.dataframe(pd.DataFrame(rows), hide_index=True, height=min(38 + 35 * len(rows), height_px))


def _said(result: PhotoResult) -> str:
    faces = () if result.analysis is None else result.analysis.faces
    return counted(face.answer for face in faces)


def _photo(
    number: int, photo: Photo, result: PhotoResult, measured: dict[str, Any] | None
) -> None:
    """One photo: picture and notes beside its faces, or the reason for a refusal."""
    st.subheader(result.name, anchor=False)
    if result.error is not None or result.analysis is None:
        st.error(str(result.error), icon=":material/block:")
        return
    found = result.analysis
    image_rgb, analysis = upright(photo.pixels(), found)
    crowded = len(analysis.faces) > _BESIDE_PICTURE
    picture, beside = (st.container(), None) if crowded else st.columns([1.4, 1], gap="large")
    with picture:
        st.image(
            draw_analysis(image_rgb, analysis, max_side_px=_SHOWN_SIDE_PX),
            width="stretch",
            alt=f"{result.name} with {len(analysis.faces)} faces boxed",
        )
        for note in result.notes:
            st.info(note, icon=":material/info:")
        _timing(analysis)
        st.download_button(
            "Annotated picture (PNG)",
            lambda: annotated_png(photo.pixels(), found),
            annotated_name(number, result.name),
            "image/png",
            key=f"png_{number}_{photo.id}",
            on_click="ignore",
            icon=":material/download:",
        )
    with beside or st.container():
        _faces(f"{number}_{photo.id}", image_rgb, analysis, measured)


def _faces(
    key: str, image_rgb: ImageRGB, analysis: Analysis, measured: dict[str, Any] | None
) -> None:
    every = list(enumerate(analysis.faces, start=1))
    if len(every) > _FACES_PER_PAGE:
        n_pages = -(-len(every) // _FACES_PER_PAGE)
        page = st.segmented_control(
            f"{len(every)} faces", range(1, n_pages + 1), default=1, required=True,
            key=f"faces_{key}",
        )  # fmt: skip
        every = every[(page - 1) * _FACES_PER_PAGE : page * _FACES_PER_PAGE]
    n_columns = 1 if len(analysis.faces) <= _BESIDE_PICTURE else _CARD_COLUMNS
    # Row by row, so that a phone, which shows one column after the other, keeps the order.
    columns = [c for _ in every[::n_columns] for c in st.columns(n_columns)]
    for place, (face_number, face) in enumerate(every):
        with columns[place]:
            face_card(face_number, face, image_rgb, measured)
            explanation_toggle(
                face_number, face, image_rgb, analysis.model_id, analysis.detector,
                key=f"why_{key}_{face_number}",
            )  # fmt: skip


def _timing(analysis: Analysis) -> None:
    timings_ms = analysis.timings_ms
    st.caption(
        f"{analysis.size_wh[0]} × {analysis.size_wh[1]} pixels, analysed in "
        f"{timings_ms['total']:.0f} ms (decode {timings_ms['decode']:.0f}, find faces "
        f"{timings_ms['detect']:.0f}, classify {timings_ms['classify']:.1f})"
    )


def _downloads(analysed: list[tuple[Photo, PhotoResult]], model_id: str, detector: str) -> None:
    photos, results = zip(*analysed, strict=True)
    chosen = {"model_id": model_id, "detector": detector}
    everything = [photo.pixels for photo in photos]
    with st.container(horizontal=True):
        for label, data, name, mime in (
            ("JSON", lambda: results_json(results, **chosen), "mien.json", "application/json"),
            ("CSV", lambda: results_csv(results).encode("utf-8-sig"), "mien.csv", "text/csv"),
            (
                "ZIP of all",
                lambda: results_zip(results, everything, **chosen),
                "mien.zip",
                "application/zip",
            ),
        ):
            st.download_button(
                label, data, name, mime, on_click="ignore", icon=":material/download:"
            )
