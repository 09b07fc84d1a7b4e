"""The sample pictures: nobody's here, so anybody may look at what comes out of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import streamlit as st
from PIL import Image

from core.config import ROOT
from ui.faces.pictures import address, jpeg, square_of

_THUMBNAIL_PX: Final = 128  # twice what is shown, for screens of two pixels a point


@dataclass(frozen=True)
class Sample:
    """A picture below samples/ that comes with Mien; samples/README.md has its source.

    `about` says who it is, and that it is a drawing where it is one.
    """

    file: str
    about: str

    @property
    def path(self) -> Path:
        """Where it lies."""
        return ROOT / "samples" / self.file


_DRAWN = "A drawing of nobody, made for Mien."
SAMPLES: Final = {
    "Smiling": Sample("astronaut.jpg", "Eileen Collins, astronaut (NASA, 1992)"),
    "Angry": Sample("drawn_angry.jpg", _DRAWN),
    "Disgusted": Sample("drawn_disgust.jpg", _DRAWN),
    "Afraid": Sample("drawn_fear.jpg", _DRAWN),
    "Sad": Sample("drawn_sad.jpg", _DRAWN),
    "Surprised": Sample("drawn_surprise.jpg", _DRAWN),
    "A group": Sample(
        "drawn_group.jpg", "A drawing of nobody: six people in two rows, made for Mien."
    ),
    "A hard one": Sample(
        "grace_hopper_unsharp.jpg",
        "Rear Admiral Grace Hopper (US Navy, 1984), made small and unsharp",
    ),
}


def choose_sample(label: str, *, key: str, default: str | None = None) -> str | None:
    """Thumbnails, called `label` by screen readers, to choose from; the chosen one's title."""
    with st.container(key=f"samples_{key}"):
        chosen = st.pills(
            label,
            list(SAMPLES),
            default=default,
            key=key,
            format_func=lambda title: f"![]({_thumbnail(title)}) {title}",
        )
    return chosen


@st.cache_resource(show_spinner=False)
def _thumbnail(title: str) -> str:
    with Image.open(SAMPLES[title].path) as picture:
        image_rgb = np.asarray(picture.convert("RGB"))
    return address(jpeg(square_of(image_rgb, _THUMBNAIL_PX)))
