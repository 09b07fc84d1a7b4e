"""iBUG's 68 points from the mesh by a small linear regression: closes the gap of definition.

Input and output are in the frame of a mean mesh, so the regression commutes with moving,
turning and scaling the face. Fitted on HELEN's train part by
`python -m training.landmarks.fit_ibug`; the file holds plain arrays.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError, damage_is
from core.landmarks.schemes import IBUG, MESH, N_POINTS, mesh_to_ibug
from core.pictures.alignment import invert, moved, similarity
from core.types import Landmarks

FILE: Final = Path("landmarks68") / "ibug_from_mesh.npz"
TERMS: Final = "The map to 68 points was learned from HELEN: for research only."


@dataclass(frozen=True, eq=False)
class IbugRegression:
    """What the table leaves over, as a linear function of the mesh."""

    mean_mesh: NDArray[np.float64]  # (478, 2), outer eye corners one unit apart
    # (956, 136), from deviations of the mesh to corrections of the 68 points
    weights: NDArray[np.float64]
    offset: NDArray[np.float64]  # (136,)

    @classmethod
    def load(cls, models_dir: Path) -> "IbugRegression":
        """Read the arrays; raises ModelError if the file is missing or holds something else."""
        sentence = "The regression from 478 to 68 points is missing or damaged; reinstall Mien."
        with damage_is(ModelError(sentence)), np.load(models_dir / FILE) as stored:
            names = ("mean_mesh", "weights", "offset")
            arrays = [stored[name].astype(np.float64) for name in names]
            shapes = [array.shape for array in arrays]
            if shapes != [(478, 2), (956, 136), (136,)]:
                raise ValueError(f"unexpected shapes {shapes}")
        return cls(*arrays)

    def predict(self, mesh_xy: NDArray[np.floating]) -> NDArray[np.float64]:
        """68 points (68, 2) for one mesh (478, 2), in the mesh's own coordinates."""
        to_frame = similarity(mesh_xy, self.mean_mesh)
        mesh = moved(mesh_xy, to_frame)
        correction = (mesh - self.mean_mesh).ravel() @ self.weights + self.offset
        return moved(mesh_to_ibug(mesh) + correction.reshape(-1, 2), invert(to_frame))

    def convert(self, landmarks: Landmarks) -> Landmarks:
        """68 points of a face whose mesh is known; raises ValueError if `landmarks` is no mesh."""
        if landmarks.scheme != MESH or len(landmarks.points_xy) != N_POINTS[MESH]:
            raise ValueError(f"68 points are learned from {MESH}, got {landmarks.scheme}")
        points = self.predict(landmarks.points_xy)
        return Landmarks(points.astype(np.float32), IBUG, landmarks.blendshapes)
