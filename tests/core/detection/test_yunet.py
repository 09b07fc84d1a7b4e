"""YuNet in LiteRT against the published file in OpenCV, which decodes it by itself."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from core.detection import any_size
from core.detection.detectors.yunet import YuNetDetector, _is_beyond_doubt
from core.types import Box, Face
from tests.paths import ROOT

FOLDER = ROOT / "models" / "yunet"
Image = NDArray[np.uint8]


def by_opencv(image_rgb: Image, threshold: float) -> NDArray[np.float32]:
    """Rows x, y, w, h, five points, confidence."""
    height, width = image_rgb.shape[:2]
    network = cv2.FaceDetectorYN.create(
        str(FOLDER / "face_detection_yunet_2023mar.onnx"), "", (width, height), threshold, 0.3
    )
    _, rows = network.detect(cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR))
    return np.empty((0, 15), np.float32) if rows is None else np.asarray(rows, np.float32)


@pytest.fixture
def crowd(astronaut: Image, grace_hopper: Image) -> Image:
    """Faces of many sizes, large ones and such as are found by the finest cells alone."""
    canvas = np.full((620, 760, 3), 96, np.uint8)
    x = 0
    for n, side in enumerate((300, 200, 120, 80, 60)):
        for row, photo in enumerate((astronaut[:260, 90:350], grace_hopper[60:460, 60:460])):
            face = cv2.resize(photo, (side, side), interpolation=cv2.INTER_AREA)
            canvas[row * 310 : row * 310 + side, x : x + side] = face[:, :: -1 if n % 2 else 1]
        x += side
    return canvas


@pytest.mark.parametrize("threshold", [0.7, 0.2])
@pytest.mark.parametrize("cut", [(620, 760), (611, 743), (310, 760), (620, 330)])
def test_it_finds_what_opencv_finds(crowd: Image, threshold: float, cut: tuple[int, int]) -> None:
    picture = np.ascontiguousarray(crowd[-cut[0] :, -cut[1] :])
    rows = by_opencv(picture, threshold)
    faces = YuNetDetector(FOLDER, threshold=threshold).detect(picture)
    assert len(faces) == len(rows) > 0
    for face, row in zip(faces, rows, strict=True):
        x, y, width, height = row[:4].tolist()
        assert face.box.iou(Box(x, y, x + width, y + height)) > 0.99
        assert np.abs(face.keypoints_xy - row[4:14].reshape(5, 2)).max() < 0.2
        assert face.confidence == pytest.approx(row[14], abs=1e-3)


@pytest.fixture
def sizes_hw(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Those of all pictures that the network has looked at."""
    seen: list[tuple[int, ...]] = []
    maps = any_size.AnySizeNetwork.maps

    def spy(network: any_size.AnySizeNetwork, image_rgb: Image) -> list[NDArray[np.float32]]:
        seen.append(image_rgb.shape[:2])
        return maps(network, image_rgb)

    monkeypatch.setattr(any_size.AnySizeNetwork, "maps", spy)
    return seen


def test_a_photo_that_is_shrunk_anyway_is_shrunk_to_fit(
    astronaut: Image, sizes_hw: list[tuple[int, ...]]
) -> None:
    """Its faces stay where they are, and the network is spared a row of padding."""
    wide = np.zeros((720, 1280, 3), np.uint8)
    assert YuNetDetector(FOLDER).detect(wide) == ()
    assert sizes_hw == [(224, 398), (448, 796)]
    wide[100:612, 300:812] = astronaut
    (face,) = YuNetDetector(FOLDER).detect(wide)
    (same,) = YuNetDetector(FOLDER).detect(astronaut)
    x_min, y_min, x_max, y_max = same.box.xyxy
    assert face.box.iou(Box(x_min + 300, y_min + 100, x_max + 300, y_max + 100)) > 0.85


def test_a_large_plain_face_is_seen_in_half_the_size(
    astronaut: Image, sizes_hw: list[tuple[int, ...]]
) -> None:
    """A quarter of the time, and the face is where it is seen in full size."""
    detector = YuNetDetector(FOLDER)
    (face,) = detector.detect(astronaut)
    assert sizes_hw == [(256, 256)]
    (same,) = detector._look(astronaut, 1.0, 0.7)
    assert face.box.iou(same.box) > 0.85
    assert np.abs(face.keypoints_xy - same.keypoints_xy).max() < 0.05 * face.box.size_wh[0]


@pytest.mark.parametrize(
    ("confidences", "side_px", "stands"),
    [
        ([], 200, False),
        ([0.05], 200, False),  # of a curve's lowest end: no face at all
        ([0.9], 200, True),
        ([0.9, 0.05], 200, True),
        ([0.9, 0.3], 200, False),  # which may be a face
        ([0.9], 40, False),  # 20 px in half the size: smaller ones would not be seen
    ],
)
def test_half_a_look_stands_where_nothing_in_it_is_doubtful(
    confidences: list[float], side_px: float, stands: bool
) -> None:
    box, points = Box(0, 0, side_px, side_px), np.zeros((5, 2), np.float32)
    found = [Face(box, confidence, points, "yunet") for confidence in confidences]
    assert _is_beyond_doubt(found, 0.5) is stands


def test_beside_a_small_face_the_full_size_is_looked_at(
    astronaut: Image, grace_hopper: Image, sizes_hw: list[tuple[int, ...]]
) -> None:
    both = np.full((720, 1280, 3), 110, np.uint8)
    both[100:612, 300:812] = astronaut
    both[20:110, 1000:1077] = cv2.resize(grace_hopper, (77, 90), interpolation=cv2.INTER_AREA)
    assert len(YuNetDetector(FOLDER).detect(both)) == 2
    assert sizes_hw == [(224, 398), (448, 796)]
