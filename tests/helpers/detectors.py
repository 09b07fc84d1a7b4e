"""Which detectors a test is for."""

import pytest

from core.detection import DETECTORS, NEED_DLIB
from core.detection.dlib_extra import is_installed

# They say where eyes, nose and mouth are; the others give boxes alone.
WITH_POINTS = ("yunet", "blazeface", "ensemble", "mien-face")


def _param(name: str) -> object:
    missing = name in NEED_DLIB and not is_installed()
    marks = [pytest.mark.skip(reason="the dlib extra is not installed")] if missing else []
    return pytest.param(name, marks=marks)


each_detector = pytest.mark.parametrize("name", [_param(name) for name in DETECTORS])
each_detector_with_points = pytest.mark.parametrize(
    "name", [name for name in DETECTORS if name in WITH_POINTS]
)
# dlib's, an extra, have tests of their own (tests/core/detection/test_dlib_detectors.py).
OWN_DETECTORS = [name for name in DETECTORS if name not in NEED_DLIB]
each_own_detector = pytest.mark.parametrize("name", OWN_DETECTORS)
EACH_DETECTOR = [_param(name) for name in DETECTORS]
