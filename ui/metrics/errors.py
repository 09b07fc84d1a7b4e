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
from ui.shared.figures import clicked, dark, show
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
    if cell := clicked(event, key):
        st.session_state[f"{key}_true"], st.session_state[f"{key}_judged"] = cell
    st.header("What is in a cell", anchor=False)
    # At first the commonest mistake.
    mistakes = counts * (1 - np.eye(len(EMOTIONS), dtype=np.int64))
    worst = np.unravel_index(int(mistakes.argmax()), mistakes.shape)
    for part, index in zip(("true", "judged"), worst, strict=True):
        st.session_state.setdefault(f"{key}_{part}", EMOTIONS[int(index)])
    left, right = st.columns(2)
    true = left.selectbox("True label", EMOTIONS, key=f"{key}_true")
    judged = right.selectbox("Judged as", EMOTIONS, key=f"{key}_judged")
    _cell(one, EMOTIONS.index(true), EMOTIONS.index(judged), key, pictures)


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
    first = f" (first {_MAX_ROWS} of {len(rows)})" if len(rows) > _MAX_ROWS else ""
    st.markdown(f"**Scores**, most confident first{first}")
    bar = st.column_config.ProgressColumn(min_value=0, max_value=1, format="%.2f", width=84)
    bars = dict.fromkeys(EMOTIONS, bar)
    st.dataframe(table.head(_MAX_ROWS), hide_index=True, height=260, column_config=bars)
    if pictures is not None:
        gallery(one, rows, pictures)
    else:
        st.caption(
            "The pictures belong to FER-2013 and are not shipped. Who has the data set sees them "
            "here after setting `MIEN_FER2013_PATH` to its parquet file."
        )


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
