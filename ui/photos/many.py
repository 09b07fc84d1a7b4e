"""Results of many photos: a chart, the faces side by side, a table whose rows open a photo."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

import pandas as pd
import streamlit as st

from core.drawing.photo import EMOTION_COLOURS
from core.expression.answer import BANDS, SPLIT, band, counted, short
from core.types import FaceAnalysis
from services.analysis.photos import PhotoResult
from ui.faces.card import Bar, bar_list_html, tile_html
from ui.photos.results import (
    Analysed,
    answers,
    downloads,
    found_words,
    one_photo,
    page_of,
    show_refused,
)
from ui.photos.session import shown
from ui.runtime.runs import fragment
from ui.shared.charts import QUIET
from ui.shared.text import counted_of

_TABLE_HEIGHT_PX = 420
_FACES_PER_PAGE = 30
_FILES = {
    "mien.csv": "Table (CSV)",
    "mien.parquet": "Table (parquet)",
    "mien.json": "All (JSON)",
    "mien.zip": "ZIP with annotated pictures",
}
_ORDERS: Final[dict[str, Callable[["_Face"], float]]] = {
    "As in the photos": lambda face: 0,
    "Most agreement": lambda face: -face.found.answer.share,
    "Least agreement": lambda face: face.found.answer.share,
    "Best picture": lambda face: -(face.found.quality.score if face.found.quality else 0),
}


@dataclass(frozen=True, eq=False)
class _Face:
    """A face of one of many photos: which photo, which face, and its small picture."""

    file: str
    number: int
    found: FaceAnalysis
    picture_jpeg: bytes


@fragment
def show_many(analysed: Sequence[Analysed], model_id: str, detector: str) -> None:
    """What was found in many photos, all together and one by one."""
    results = [result for _, result in analysed]
    st.header(found_words(results).partition(": ")[0], anchor=False)
    if refused := [result for result in results if result.error is not None]:
        were = f"{counted_of(len(refused), 'photo')} {'was' if len(refused) == 1 else 'were'}"
        with st.expander(f"Why {were} refused", icon=":material/block:"):
            show_refused(refused)
    faces = [
        _Face(result.name, number, found, picture)
        for photo, result in analysed
        if result.analysis is not None
        for (number, found), picture in zip(
            enumerate(result.analysis.faces, start=1),
            shown(photo, result, faces_only=True).faces_jpeg,
            strict=True,
        )
    ]
    if faces:
        _chart(results)
        _grid(faces)
    st.subheader("Photos", anchor=False)
    table = _table(results)
    with st.container(key="on_screen_photos"):  # shows as many rows as fit
        opened = _chosen_row(table)
    st.html(_on_paper(table, f"Judged by {model_id}; faces found by {detector}."))
    if opened is not None:
        one_photo(opened + 1, *analysed[opened])
    downloads(analysed, model_id, detector, _FILES)


def _chart(results: Sequence[PhotoResult]) -> None:
    counts = Counter(band(answer) for answer in answers(results))
    rows = [
        Bar(name, counts[name], f"{counts[name]:,}", EMOTION_COLOURS.get(name, QUIET))
        for name in BANDS
        if counts[name]
    ]
    title = "How many faces people would call what"
    split = "; *split*: people would not agree on one word" if counts[SPLIT] else ""
    st.caption(f"{title}{split}.")
    st.html(bar_list_html(rows, title))


def _grid(faces: Sequence[_Face]) -> None:
    counts = Counter(band(face.found.answer) for face in faces)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.pills(
            "Show",
            [name for name in BANDS if counts[name]],
            selection_mode="multi",
            key="many_filter",
            format_func=lambda name: f"{name} {counts[name]:,}",
            wrap=True,
        )
        order = st.selectbox("Sort by", list(_ORDERS), key="many_order", width=220)
    seen = [face for face in faces if not wanted or band(face.found.answer) in wanted]
    seen.sort(key=_ORDERS[order])
    part = page_of(len(seen), _FACES_PER_PAGE, "many_page")
    tiles = "".join(
        tile_html(
            face.picture_jpeg,
            short(face.found.answer),
            face.file.rpartition("/")[2],
            f"Face {face.number} of {face.file}",
        )
        for face in seen[part]
    )
    st.html(f'<div class="mien-faces small">{tiles}</div>')


def _said(results: Sequence[PhotoResult]) -> str:
    """Such as "2 happy, 1 sad"; of one face without the number."""
    found = list(answers(results))
    return short(found[0]) if len(found) == 1 else counted(found)


def _table(results: Sequence[PhotoResult]) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "file": result.name,
            "faces": 0 if result.analysis is None else len(result.analysis.faces),
            "people would say": _said([result]),
            "remark": " ".join(result.notes) if result.error is None else str(result.error),
        }
        for result in results
    )
    return table if table["remark"].any() else table.drop(columns="remark")


def _on_paper(table: pd.DataFrame, caption: str) -> str:
    """All rows, for a print."""
    rows = table.to_html(index=False, border=0, justify="left", classes="mien-on-paper")
    return rows.replace("<thead>", f"<caption>{escape(caption)}</caption><thead>", 1)


def _chosen_row(table: pd.DataFrame) -> int | None:
    """The table on the screen; the number of the row that is ticked, from 0."""
    st.caption("Tick a row to open its photo below.")
    event = st.dataframe(
        table,
        hide_index=True,
        height=min(38 + 35 * len(table), _TABLE_HEIGHT_PX),
        on_select="rerun",
        selection_mode="single-row",
        key="many_rows",
        column_config={
            "faces": st.column_config.NumberColumn(width="small"),
            "people would say": st.column_config.TextColumn(width=330),
            "remark": st.column_config.TextColumn(width=240),
        },
    )
    return next(iter(event["selection"]["rows"]), None)
