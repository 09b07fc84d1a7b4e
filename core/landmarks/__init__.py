"""Points on faces: who finds them, in which scheme, and how one scheme becomes another.

Three schemes: MediaPipe's mesh of 478 points (`mesh`), the 68 points of iBUG's annotations
(Sagonas et al. 2013) and five points (`schemes`). dlib's predictors are an optional extra
(`dlib_points`).
"""

from core.landmarks.base import Landmarker
from core.landmarks.mesh import FaceLandmarker

__all__ = ["FaceLandmarker", "Landmarker"]
