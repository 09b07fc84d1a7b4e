"""Where a detector's boxes have eyes and mouth, from `models/<detector>/geometry.json`."""

import json
from pathlib import Path

from core.errors import ModelError, damage_is
from core.pictures.face_input import EyesMouth


def load_box_geometry(folder: Path) -> EyesMouth:
    """Read what `training/data/crop_geometry.py` measured for the detector in `folder`.

    Raises:
        ModelError: if the file is missing or not such a measurement.
    """
    sentence = f"The face detector {folder.name} has no readable geometry.json; reinstall Mien."
    with damage_is(ModelError(sentence)):
        stored = json.loads((folder / "geometry.json").read_text(encoding="utf-8"))
        return EyesMouth.model_validate(stored["eyes_mouth"])
