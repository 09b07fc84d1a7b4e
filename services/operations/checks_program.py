"""What can be wrong with the program itself: Python, its packages, its model files."""

import hashlib
import importlib.metadata
import re
import sys
from typing import Final

from core.config import Settings
from core.errors import MienError
from services.operations.checks import Check

PYTHONS: Final = ((3, 11), (3, 12))
# Of the files in THIRD_PARTY_NOTICES.md; our own models have their hash on their card.
THIRD_PARTY_SHA256: Final = {
    "face_landmarker/face_landmarker.task": (
        "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
    ),
    "yunet/face_detection_yunet_2023mar.onnx": (
        "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
    ),
}


def check_python() -> Check:
    """Whether this Python is one that Mien is tested with."""
    found = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] in PYTHONS:
        return Check("python", "good", f"Python {found}.")
    return Check("python", "bad", f"Python {found}.", "Use Python 3.11 or 3.12.")


def check_packages() -> Check:
    """Whether every package that Mien asks for is here in a version that it takes."""
    from packaging.requirements import Requirement

    try:
        asked = importlib.metadata.requires("mien") or []
    except importlib.metadata.PackageNotFoundError:
        return Check(
            "packages", "note", "Mien runs from its folder without being installed.",
            "To have its packages checked, install it: `make app` or `pip install .`.",
        )  # fmt: skip
    wrong = []
    for line in asked:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} is {version}, not {requirement.specifier}")
    if wrong:
        return Check(
            "packages", "bad", f"{'; '.join(sorted(wrong))}.",
            "Install what the lock file names: `make app`.",
        )  # fmt: skip
    return Check("packages", "good", "All packages are here in versions that fit.")


def check_opencv() -> Check:
    """Whether one build of OpenCV, and that of the headless package, is what gets imported."""
    builds = sorted(
        name
        for distribution in importlib.metadata.distributions()
        if (name := (distribution.name or "").lower()).startswith("opencv-")
    )
    if len(builds) > 1:
        return Check(
            "opencv", "bad", f"{' and '.join(builds)} overwrite each other's files.",
            f"Run `pip uninstall -y {' '.join(builds)}` and install opencv-python-headless again.",
        )  # fmt: skip
    try:
        import cv2
    except ImportError as exc:
        return Check(
            "opencv", "bad", f"OpenCV cannot be imported ({type(exc).__name__}).",
            "Install opencv-python-headless; other builds need libraries of a desktop.",
        )  # fmt: skip
    if not hasattr(cv2, "FaceDetectorYN"):
        return Check(
            "opencv", "bad", f"OpenCV {cv2.__version__} has no face detector.",
            "Install opencv-python-headless again.",
        )  # fmt: skip
    gui = re.search(r"^\s*GUI:\s*(\S+)", cv2.getBuildInformation(), re.MULTILINE)
    if gui is not None and gui[1] != "NONE":
        return Check(
            "opencv", "bad", f"OpenCV {cv2.__version__} is a build for desktops ({gui[1]}).",
            "Another build overwrote the headless one: uninstall all, install it again.",
        )  # fmt: skip
    return Check("opencv", "good", f"OpenCV {cv2.__version__}, headless.")


def check_models(settings: Settings) -> Check:
    """Whether every model file is the one that was shipped, by SHA-256."""
    from core.expression.classify import EmotionClassifier
    from core.expression.model_card import model_ids

    models_dir, n_files = settings.models_dir, 0
    ids = model_ids(models_dir)
    if settings.default_model not in ids:
        return Check(
            "models", "bad", f"The default model {settings.default_model!r} is not there.",
            f"Set MIEN_DEFAULT_MODEL to one of: {', '.join(ids) or 'none is there'}.",
        )  # fmt: skip
    try:
        for model_id in ids:
            loaded = EmotionClassifier.load(model_id, models_dir)  # reads and checks, no more
            n_files += not loaded.card.members  # an ensemble has no file of its own
    except MienError as error:
        return Check("models", "bad", str(error), "Restore the folder models/ of this version.")
    for name, sha256 in THIRD_PARTY_SHA256.items():
        file = models_dir / name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
            return Check(
                "models", "bad", f"{name} is missing or was changed.",
                "Restore the folder models/ of this version.",
            )  # fmt: skip
        n_files += 1
    return Check("models", "good", f"{n_files} model files are as they were shipped.")
