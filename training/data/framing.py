"""Pictures of data sets decoded; where their crops have eyes and mouth; crops put into frames."""

import json
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from core.config import ROOT
from core.errors import DatasetError
from core.pictures.face_input import EyesMouth
from core.types import Box, Face, ImageRGB

ENLARGED_PX: Final = 192  # side of the crop in the frame; the frame is twice as wide


def geometry_file(name: str) -> Path:
    """Where it is written where a set's crops have eyes and mouth: of "fer2013" or "rafdb"."""
    return ROOT / "models" / f"{name}_geometry.json"


def load_geometry(name: str) -> EyesMouth:
    """Where a set's crops have eyes and mouth, as `training.data.crop_geometry` measured it.

    Examples:
        >>> load_geometry("fer2013").eye_mouth > load_geometry("rafdb").eye_mouth  # cut wider
        True
    """
    stored = json.loads(geometry_file(name).read_text(encoding="utf-8"))
    return EyesMouth.model_validate(stored["eyes_mouth"])


def decode_rgb(encoded: bytes) -> ImageRGB:
    """An encoded picture of a data set as uint8 (h, w, 3).

    Raises:
        DatasetError: if it is no picture.
    """
    return np.asarray(
        cv2.cvtColor(_decoded(encoded, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), np.uint8
    )


def decode_grey(encoded: bytes) -> NDArray[np.uint8]:
    """As `decode_rgb`, in grey levels (h, w)."""
    return np.asarray(_decoded(encoded, cv2.IMREAD_GRAYSCALE), np.uint8)


def _decoded(encoded: bytes, mode: int) -> Any:
    image = cv2.imdecode(np.frombuffer(encoded, np.uint8), mode)
    if image is None:
        raise DatasetError("An image of the data set cannot be decoded.")
    return image


def framed(
    crop: NDArray[np.uint8], *, side_px: int = ENLARGED_PX, edge_px: int = ENLARGED_PX // 2
) -> tuple[ImageRGB, Face]:
    """A crop, grey (S, S) or RGB, uint8, enlarged in a frame of its mean grey; and where it lies.

    The crop becomes `side_px` large, the frame is `edge_px` wide.
    """
    large = cv2.resize(crop, (side_px, side_px), interpolation=cv2.INTER_CUBIC)
    edges, grey = (edge_px,) * 4, float(large.mean())
    canvas = cv2.copyMakeBorder(large, *edges, cv2.BORDER_CONSTANT, value=(grey, grey, grey))
    if canvas.ndim == 2:
        canvas = cv2.cvtColor(canvas, cv2.COLOR_GRAY2RGB)
    box = Box(edge_px, edge_px, edge_px + side_px, edge_px + side_px)
    return np.asarray(canvas, np.uint8), Face(box, 1.0, np.empty((0, 2), np.float32), "crop")
