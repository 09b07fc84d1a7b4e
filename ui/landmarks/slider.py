"""The slider of "what if the points were wrong": every level is sent once, moves stay local.

Streamlit's own slider reports only where it is let go, and each report is a run of Python. Here
the browser has all levels beforehand and draws one while the slider is being moved.
"""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.drawing.landmarks import POINT_COLOUR
from core.emotions import EMOTIONS
from core.types import ImageRGB
from ui.faces.card import bars_html
from ui.faces.pictures import address, fitted, jpeg
from ui.landmarks.levels import Alignment
from ui.shared.charts import expression_look

SHOWN_PX: Final = 300  # longer side of the picture that is sent; shown at about half of it
_LOST: Final = -1000  # where a lost point is drawn: far outside of the picture
_FEW: Final = 100  # points, below which their dots are larger
_FILES = Path(__file__).parent
# Plotly's names of dashes in SVG's numbers.
_SVG_DASHES: Final = {
    "solid": "none",
    "dash": "9 6",
    "dot": "2 4",
    "dashdot": "9 4 2 4",
    "longdash": "15 6",
    "longdashdot": "15 5 3 5",
}


_mount: Any = st.components.v2.component(
    "mien_whatif",
    html=(_FILES / "slider.html").read_text(encoding="utf-8"),
    css=(_FILES / "slider.css").read_text(encoding="utf-8"),
    js=(_FILES / "slider.js").read_text(encoding="utf-8"),
    isolate_styles=False,  # the bars look as they do on the rest of the page
)


def slider(
    label: str,
    picture_rgb: ImageRGB,
    outcomes: Sequence[Alignment | None],
    sentences: Sequence[str],
) -> None:
    """The slider with both sides; the first level is the left side, its own the right one.

    One outcome, in the pixels of `picture_rgb`, and one sentence a level; None where nothing can
    be aligned, but for the first.
    """
    _mount(key="whatif", data=payload(label, picture_rgb, outcomes, sentences))


def payload(
    label: str,
    picture_rgb: ImageRGB,
    outcomes: Sequence[Alignment | None],
    sentences: Sequence[str],
) -> dict[str, Any]:
    """What the browser gets; see `slider`.

    Pictures are data URLs, the crops one below the other. Points are int16 (levels, n, 2) in
    tenths of the picture's pixels.
    """
    first = outcomes[0]
    assert first is not None
    scale = SHOWN_PX / max(picture_rgb.shape[:2])
    known = [first if outcome is None else outcome for outcome in outcomes]
    n_points = len(first.points_xy)
    points = np.stack([np.where(o.kept[:, None], o.points_xy * scale, _LOST) for o in known])
    return {
        "label": label,
        "face": _jpeg(fitted(picture_rgb, SHOWN_PX)),
        "crops": _jpeg(np.concatenate([outcome.crop for outcome in known])),
        "crop_px": len(first.crop),
        "points_base64": base64.b64encode(
            np.round(10 * points).clip(-30_000, 30_000).astype("<i2").tobytes()
        ).decode(),
        "dot": {
            "radius_px": 3.6 if n_points < _FEW else 1.2,
            "colour": POINT_COLOUR,
            "edge": "#0F1419",
        },
        "bars_html": bars_html(first.scores),
        "lines": [_look(name) for name in EMOTIONS],
        "start": start_of(outcomes),
        "levels": [
            None
            if outcome is None
            else {"scores": outcome.scores.probabilities.tolist(), "sentence": sentence}
            for outcome, sentence in zip(outcomes, sentences, strict=True)
        ],
    }


def start_of(outcomes: Sequence[Alignment | None]) -> int:
    """Where the slider stands at first: where the label flips or is lost, else at a quarter."""
    first = outcomes[0]
    assert first is not None
    for level, outcome in enumerate(outcomes):
        if outcome is None or outcome.scores.top != first.scores.top:
            return level
    return len(outcomes) // 4


def _look(name: str) -> dict[str, str]:
    look = expression_look(name)
    return {"name": name, "colour": look.colour, "dash": _SVG_DASHES.get(look.dash, "6 2 2 2")}


def _jpeg(image: NDArray[np.uint8]) -> str:
    """A data URL of an RGB or grey image; colours in full resolution, so that crops keep apart."""
    full = cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    return address(jpeg(image, cv2.IMWRITE_JPEG_QUALITY, 95, *full))
