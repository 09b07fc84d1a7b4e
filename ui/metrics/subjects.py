"""What the sections of Model Metrics share: a chart with its reading, table and download."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.emotions import EMOTIONS
from core.measures.curves import Predictions, load_predictions, load_shares
from core.measures.people import majority_labels
from core.types import FloatArray
from ui.shared.resources import cards, settings
from ui.shared.text import percent

LABELS, PEOPLE = "FER-2013's labels", "what people say"
JUDGES = (PEOPLE, LABELS)
ALL, UNIQUE = "All test images", "Without near-duplicates"


@dataclass(frozen=True, eq=False)
class Subject:
    """One model on one set of images, which is what every section shows."""

    model_id: str
    predictions: Predictions
    threshold: float


@st.cache_resource(show_spinner=False)
def predictions(model_id: str) -> Predictions | None:
    """What the model said of FER-2013's test split; None where that is not stored."""
    return load_predictions(settings().models_dir / model_id)


@st.cache_resource(show_spinner=False)
def _votes() -> FloatArray | None:
    """People's votes (n, 8) for the test split, from whichever model was published with them."""
    folders = (settings().models_dir / name for name in cards())
    return next((found[1] for found in map(load_shares, folders) if found is not None), None)


@st.cache_resource(show_spinner=False)
def beside_people(model_id: str) -> Predictions | None:
    """What the model says of the images on which most people say one of the seven, and that.

    Models that learned no votes are taken by what they say of the label.
    """
    stored = predictions(model_id)
    votes = _votes()
    if stored is None or votes is None or len(votes) != len(stored):
        return None
    own = load_shares(settings().models_dir / model_id)
    labels, clear = majority_labels(votes)
    said = Predictions(
        labels, stored.probabilities if own is None else own[0], stored.near_duplicate
    )
    return said.keep(clear & (labels >= 0) & (labels < len(EMOTIONS)))


def subject(model_id: str, which: str, by: str = LABELS) -> Subject | None:
    """The model on all test images or on those without near-duplicates, beside one of `JUDGES`."""
    stored = (beside_people if by == PEOPLE else predictions)(model_id)
    if stored is None:
        return None
    kept = stored if which == ALL else stored.keep(~stored.near_duplicate)
    threshold = cards()[model_id].calibration.uncertain_threshold
    return Subject(model_id, kept, threshold)


@st.cache_resource(show_spinner=False)
def study(name: str) -> dict[str, Any] | None:
    """`models/studies/<name>.json`; None where no command has made it, or it is damaged."""
    content: dict[str, Any] | None = read_json(settings().models_dir / "studies" / f"{name}.json")
    return content


def read_json(file: Path) -> Any:
    """Content of a JSON file; None where it is missing or no JSON."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def joined(tables: Mapping[str, pd.DataFrame], name: str = "model") -> pd.DataFrame:
    """Tables as one, its last column `name` saying of which each row is."""
    parts = [table.assign(**{name: key}) for key, table in tables.items()]
    return pd.concat(parts, ignore_index=True)


def missing(what: str, command: str) -> None:
    """An empty state that names the command which fills it."""
    st.info(f"{what} `{command}` makes it.", icon=":material/hourglass_empty:")


def missing_study(what: str, name: str, model_id: str, command: str) -> None:
    """An empty state for a model, which says for which models there is a `<name>_<model_id>.json`.

    `what` is such as "This breakdown"; `command` makes it, less its `--model`.
    """
    others = [other for other in cards() if study(f"{name}_{other}") is not None]
    there = f" It is there for {', '.join(others)}." if others else ""
    missing(f"{what} has not been made for {model_id}.{there}", f"{command} --model {model_id}")


def share_with_interval(value: float | None, low: Any, high: Any, *, digits: int = 1) -> str:
    """`58.1 % (56.5 – 59.7)`, or a dash where there is nothing."""
    if value is None or pd.isna(value):
        return "–"
    return f"{percent(value, digits)} ({100 * low:.{digits}f} – {100 * high:.{digits}f})"
