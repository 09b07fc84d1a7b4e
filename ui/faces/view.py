"""One face as Landmark Analysis works on it: a picture, its points, how far to trust them."""

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from core.landmarks.learned import IbugRegression
from core.landmarks.pose import FaceGeometry, face_geometry
from core.landmarks.schemes import FIVE, IBUG, MESH, convert
from core.types import Box, Face, FaceAnalysis, ImageRGB, Landmarks
from ui.faces.pictures import fitted
from ui.shared.resources import landmarker, settings

SIDE_PX = 640
_MARGIN = 0.35

NO_MESH = (
    "A face was found, but the mesh does not fit it: it may be turned too far aside, covered or "
    "blurred. Please choose a photo in which both eyes can be seen."
)
_TURNED_DEG, _TILTED_DEG, _OUTSIDE_SHARE, _ODD_RESIDUAL = 40, 35, 0.02, 0.14

SCHEME_TITLES = {
    MESH: "478 points (MediaPipe)",
    IBUG: "68 points (iBUG, learned from the 478)",
    FIVE: "5 points",
}


@dataclass(frozen=True, eq=False)
class FaceView:
    """A face cut out of its photo and brought to one size; lives while it is on the screen.

    Attributes:
        picture_rgb: (h, w, 3), the longer side `SIDE_PX`.
        face: the detected face, in pixels of the picture.
        points: scheme -> landmarks in pixels of the picture.
        original: scheme -> landmarks in pixels of the photo.
        geometry: measures, in pixels of the photo.
        remarks: sentences on what the points are not to be trusted for.
    """

    picture_rgb: ImageRGB
    face: Face
    points: dict[str, Landmarks]
    original: dict[str, Landmarks]
    geometry: FaceGeometry
    remarks: tuple[str, ...]


@st.cache_resource(show_spinner=False)
def regression() -> IbugRegression:
    """From 478 to 68 points, one for all sessions."""
    return IbugRegression.load(settings().models_dir)


def in_scheme(mesh: Landmarks, scheme: str) -> Landmarks:
    """The mesh's face in a scheme; 68 points by the learned regression."""
    return regression().convert(mesh) if scheme == IBUG else convert(mesh, scheme)


def face_view(image_rgb: ImageRGB, found: FaceAnalysis) -> FaceView | None:
    """Fit the mesh to one face of a photo; None where it does not fit."""
    (mesh,) = landmarker().landmarks(image_rgb, [found.face])
    if mesh is None:
        return None
    x_min, y_min, x_max, y_max = _surroundings(found.face.box, mesh, image_rgb)
    part = image_rgb[y_min:y_max, x_min:x_max]
    scale = SIDE_PX / max(part.shape[:2])
    original = {scheme: in_scheme(mesh, scheme) for scheme in SCHEME_TITLES}
    corner, geometry = np.array([x_min, y_min]), face_geometry(mesh)
    box = (np.array(found.face.box.xyxy) - np.tile(corner, 2)) * scale
    return FaceView(
        picture_rgb=fitted(part, SIDE_PX),
        face=replace(found.face, box=Box(*box.tolist())),
        points={
            scheme: replace(marks, points_xy=(marks.points_xy - corner) * scale)
            for scheme, marks in original.items()
        },
        original=original,
        geometry=geometry,
        remarks=remarks(mesh, geometry, (image_rgb.shape[1], image_rgb.shape[0])),
    )


def _surroundings(box: Box, mesh: Landmarks, image_rgb: ImageRGB) -> tuple[int, int, int, int]:
    """Box and mesh with a margin, cut to the image, in whole pixels."""
    height, width = image_rgb.shape[:2]
    low = np.minimum(box.xyxy[:2], mesh.points_xy.min(axis=0))
    high = np.maximum(box.xyxy[2:], mesh.points_xy.max(axis=0))
    margin = _MARGIN * max(box.size_wh)
    x_min, y_min = np.clip(low - margin, 0, (width - 1, height - 1)).astype(int).tolist()
    x_max, y_max = np.clip(high + margin, (x_min + 1, y_min + 1), (width, height)).astype(int)
    return x_min, y_min, int(x_max), int(y_max)


def remarks(mesh: Landmarks, geometry: FaceGeometry, size_wh: tuple[int, int]) -> tuple[str, ...]:
    """Why the points of a face are less to be trusted than others; () for a plain face."""
    found = []
    points = mesh.points_xy
    outside = float(((points < 0) | (points > np.array(size_wh))).any(axis=1).mean())
    if outside > _OUTSIDE_SHARE:
        found.append(
            f"{100 * outside:.0f} % of the points lie outside of the photo: the face is cut off "
            "by its border, and what is not in the picture is guessed."
        )
    pose = geometry.pose
    if abs(pose.yaw_deg) > _TURNED_DEG:
        found.append(
            f"The head is turned aside by {abs(pose.yaw_deg):.0f}°: the far half of the face is "
            "hidden, and its points are guessed."
        )
    if abs(pose.pitch_deg) > _TILTED_DEG:
        way = "up" if pose.pitch_deg > 0 else "down"
        found.append(
            f"The head looks {way} by {abs(pose.pitch_deg):.0f}°: openings of eyes and mouth are "
            "foreshortened and not to be compared with those of other photos."
        )
    if pose.residual > _ODD_RESIDUAL:
        found.append(
            "The points do not lie as those of a face do: the mesh may have caught something "
            "else, so do not rely on them."
        )
    return tuple(found)
