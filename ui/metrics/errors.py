"""Confusion: which expression is taken for which, and what such errors are."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.emotions import EMOTIONS, noun
from core.errors import MienError
from core.measures.curves import confusion_counts
from core.types import ImageRGB
from services.bias_audit import findings
from ui.metrics.subjects import Subject, predictions
from ui.shared.charts import ConfusionMode, confusion_figure, confusion_values, histogram_figure
from ui.shared.figures import dark, show
from ui.shared.resources import settings
from ui.shared.text import percent, plain
from ui.shared.widgets import choose

_MODES: dict[str, ConfusionMode] = {
    "Share of each true label": "rows",
    "Share of each verdict": "columns",
    "Counts": "counts",
}
_MAX_ROWS, _MAX_IMAGES = 200, 24
Pictures = Callable[[Any], list[ImageRGB]]


def errors(one: Subject, *, key: str = "confusion", pictures: Pictures | None = None) -> None:
    """The confusion matrix and, for a chosen cell, what lies in it."""
    mode = _MODES[choose("Cells show", list(_MODES), f"{key}_mode")]
    counts = confusion_counts(one.predictions.labels, one.predictions.predicted)
    event = show(
        confusion_figure(counts, mode, dark=dark()),
        _table(counts),
        key=key,
        says=findings.confusion(one.predictions),
        reading={
            "rows": "a row says, in per cent, what became of the faces with that true label; the "
            "diagonal is what is recognised.",
            "columns": "a column says, in per cent, which true labels lie behind that verdict; "
            "the diagonal is what is right.",
            "counts": "each cell counts images; the diagonal holds those judged right.",
        }[mode]
        + " Click a cell, or choose one below.",
        alt="Confusion matrix of seven expressions, true label against verdict",
        on_select="rerun",
        selection_mode="points",
    )
    _follow_click(event, key)
    st.header("What is in a cell", anchor=False)
    worst_true, worst_judged = _worst_cell(counts)
    st.session_state.setdefault(f"{key}_true", worst_true)
    st.session_state.setdefault(f"{key}_judged", worst_judged)
    left, right = st.columns(2)
    true = left.selectbox("True label", EMOTIONS, key=f"{key}_true")
    judged = right.selectbox("Judged as", EMOTIONS, key=f"{key}_judged")
    _cell(one, EMOTIONS.index(true), EMOTIONS.index(judged), key, pictures)


def _worst_cell(counts: Any) -> tuple[str, str]:
    """The commonest mistake: true label and verdict."""
    mistakes = counts * (1 - np.eye(len(EMOTIONS), dtype=np.int64))
    true, judged = np.unravel_index(int(mistakes.argmax()), mistakes.shape)
    return EMOTIONS[int(true)], EMOTIONS[int(judged)]


def _follow_click(event: Any, key: str) -> None:
    """Bring a click into the two select boxes, once a click."""
    points = event.selection.points if event else []
    if not points:
        return
    clicked = tuple(points[0]["customdata"])
    if st.session_state.get(f"{key}_clicked") != clicked:
        st.session_state[f"{key}_clicked"] = clicked
        st.session_state[f"{key}_true"], st.session_state[f"{key}_judged"] = clicked


def _table(counts: Any) -> pd.DataFrame:
    rows, columns = confusion_values(counts, "rows"), confusion_values(counts, "columns")
    return pd.DataFrame(
        [
            (true, judged, int(counts[r, c]), float(rows[r, c]), float(columns[r, c]))
            for r, true in enumerate(EMOTIONS)
            for c, judged in enumerate(EMOTIONS)
        ],
        columns=["true", "judged", "images", "share_of_true", "share_of_judged"],
    )


def _cell(one: Subject, true: int, judged: int, key: str, pictures: Pictures | None) -> None:
    p = one.predictions
    rows = np.flatnonzero((p.labels == true) & (p.predicted == judged))
    n_true = int((p.labels == true).sum())
    what = "judged right" if true == judged else f"taken for {noun(EMOTIONS[judged])}"
    if not len(rows):
        st.info(f"No face labelled {EMOTIONS[true]} was {what}.", icon=":material/check:")
        return
    rows = rows[np.argsort(-p.confidence[rows])]
    sure = float((p.confidence[rows] >= one.threshold).mean())
    st.markdown(
        f"**{len(rows)}** of {n_true} faces labelled **{EMOTIONS[true]}** were {what} "
        f"({percent(len(rows) / n_true, 1)})."
    )
    table = pd.DataFrame(p.probabilities[rows].round(3), columns=list(EMOTIONS))
    table.insert(0, "confidence", p.confidence[rows].round(3))
    table.insert(0, "image", rows)
    show(
        histogram_figure(p.confidence[rows], one.threshold),
        table,
        key=f"{key}_confidence",
        says=f"In {percent(sure)} of these {len(rows):,} cases the model was surer than its "
        f"threshold of {percent(one.threshold)}.",
        reading="bars right of the dashed line are verdicts that the threshold lets pass.",
        alt="Histogram of the confidence of the images in the cell",
    )
    st.markdown(f"**Scores**, most confident first{_first(len(rows))}")
    _scores(table.head(_MAX_ROWS))
    if pictures is not None:
        gallery(one, rows, pictures)
    else:
        st.caption(
            "The pictures belong to FER-2013 and are not shipped. Who has the data set sees them "
            "here after setting `MIEN_FER2013_PATH` to its parquet file."
        )


def _scores(table: pd.DataFrame) -> None:
    """A row an image, its scores as bars."""
    bars = {
        name: st.column_config.ProgressColumn(
            name, min_value=0, max_value=1, format="%.2f", width=84
        )
        for name in EMOTIONS
    }
    st.dataframe(table, hide_index=True, height=260, column_config=bars)


def _first(n: int) -> str:
    return f" (first {_MAX_ROWS} of {n})" if n > _MAX_ROWS else ""


def gallery(one: Subject, rows: Any, pictures: Pictures) -> None:
    """Pictures of the rows, the first `_MAX_IMAGES`, each with label, verdict and confidence."""
    p, shown = one.predictions, rows[:_MAX_IMAGES]
    try:
        found = pictures(shown)
    except MienError as error:
        st.warning(plain(error), icon=":material/warning:")
        return
    captions = [
        f"labelled {EMOTIONS[p.labels[row]]}, judged {EMOTIONS[p.predicted[row]]} "
        f"{percent(float(p.confidence[row]))}"
        for row in shown
    ]
    st.markdown(f"**Pictures**, the most confident first ({len(shown)} of {len(rows):,})")
    with st.container(horizontal=True):
        for picture, caption in zip(found, captions, strict=True):
            st.image(picture, width=112, caption=caption)


def local_images(one: Subject) -> Pictures | None:
    """Hands out test images from the local file of FER-2013; None where there is none.

    What is returned raises MienError if the file cannot be read or holds other labels than the
    predictions.
    """
    if settings().fer2013_path is None:
        return None

    def of_rows(rows: Any) -> list[ImageRGB]:
        images, labels = _test_images()
        chosen = np.arange(len(labels))
        stored = predictions(one.model_id)
        if stored is not None and len(one.predictions) < len(stored) == len(labels):
            chosen = np.flatnonzero(~stored.near_duplicate)
        if labels[chosen].tolist() != one.predictions.labels.tolist():
            raise MienError("The local FER-2013 file holds other images than were evaluated.")
        return [images[chosen[row]] for row in rows]

    return of_rows


@st.cache_resource(show_spinner="Reading the local FER-2013 file …")
def _test_images() -> Any:
    from core.measures.datasets import load_labelled
    from core.pictures.images import decode_image

    path = settings().fer2013_path
    assert path is not None  # the caller asked
    data = load_labelled(path, split="test")
    return [decode_image(encoded).image_rgb for encoded in data.encoded()], data.labels
