"""MediaPipe is loaded in somebody's page; it must not keep what stands there."""

import subprocess
import sys

from tests.paths import ROOT

PROGRAM = """
import gc, weakref
from core.detection import create_detector
from core.config import ROOT

class Photo: pass

def page():
    photo = Photo()
    detector = create_detector("blazeface", ROOT / "models")
    return weakref.ref(photo)

photo = page()
gc.collect()
raise SystemExit(0 if photo() is None else 3)
"""


def test_who_loads_mediapipe_first_is_let_go() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, check=False, timeout=120)
    assert done.returncode == 0
