"""On what terms each detector may be used: shown wherever one is chosen."""

from pathlib import Path
from typing import Final

from core.detection.detectors.ensemble import Fusion
from core.detection.files import read_json
from core.errors import ModelError, damage_is

_TERMS: Final = {
    "yunet": "MIT, as OpenCV Zoo gives it. It learnt from WIDER FACE, whose photos are for "
    "non-commercial research.",
    "blazeface": "Apache-2.0, as MediaPipe gives it.",
    "haar": "Intel's licence for OpenCV, like BSD with three clauses.",
    "dlib-hog": "Boost 1.0, as dlib.",
    "dlib-mmod": "CC0, as its author gives it.",
    "mien-face": "Weights: non-commercial research, as WIDER FACE's photos. Code: Apache-2.0.",
}


def detector_terms(name: str, models_dir: Path) -> str:
    """Terms of a detector in a sentence or two; of an ensemble, those of its members.

    Examples:
        >>> detector_terms("blazeface", Path("models"))
        'Apache-2.0, as MediaPipe gives it.'
    """
    if name != "ensemble":
        return _TERMS[name]
    members = read_json(models_dir / name, "fusion.json", Fusion).members
    with damage_is(ModelError("The ensemble's fusion.json names no detector; reinstall Mien.")):
        terms = {member.detector: _TERMS[member.detector] for member in members}
    return " ".join(f"{member}: {said}" for member, said in terms.items())
