"""The files beside a detector, in `models/<detector>/`: read, or missed in one sentence."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from core.errors import ModelError, damage_is
from core.pictures.face_input import EyesMouth

Content = TypeVar("Content", bound=BaseModel)


class BoxGeometry(BaseModel, frozen=True, extra="ignore"):
    """`geometry.json`: what `training/data/crop_geometry.py` measured in a detector's boxes."""

    eyes_mouth: EyesMouth


def read_json(folder: Path, name: str, kind: type[Content]) -> Content:
    """What a file of the detector in `folder` says.

    Raises:
        ModelError: if it is missing or says something else than a `kind`.
    """
    sentence = f"The face detector {folder.name} has no readable {name}; reinstall Mien."
    with damage_is(ModelError(sentence)):
        return kind.model_validate_json((folder / name).read_bytes())


def read_network(file: Path) -> bytes:
    """A network; raises ModelError if it is missing."""
    try:
        return file.read_bytes()
    except OSError as exc:
        sentence = f"The face detector's file {file.name} is missing; reinstall Mien."
        raise ModelError(sentence) from exc


def load_box_geometry(folder: Path) -> EyesMouth:
    """Where the boxes of the detector in `folder` have eyes and mouth; raises as `read_json`."""
    return read_json(folder, "geometry.json", BoxGeometry).eyes_mouth
