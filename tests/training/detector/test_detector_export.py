"""The detector's network, exported: Keras, LiteRT floats and integers say the same."""

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("keras", reason="needs the train extra (uv sync --extra train)")

import keras

from core.detection.any_size import AnySizeNetwork
from core.detection.detectors.grid import STRIDES, faces_from_maps
from core.detection.detectors.mien_face import FaceNetwork
from core.detection.detectors.yunet import FILE_NAME
from tests.paths import ROOT
from training.detector.export import to_litert
from training.detector.network import training_model
from training.detector.recipe import DetectorRecipe
from training.detector.train import network_of

pytestmark = pytest.mark.train

SIDE_PX = 64
TOY = DetectorRecipe(
    widths=(4, 8, 8, 8, 8), depths=(0, 0, 0, 0), neck_width=8, side_px=SIDE_PX, precision="float32"
)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(3)
    return network_of(TOY)


@pytest.fixture(scope="module")
def picture() -> NDArray[np.uint8]:
    return np.random.default_rng(4).integers(0, 256, (128, 192, 3)).astype(np.uint8)


def test_the_float_file_says_what_keras_says_in_pictures_of_any_size(
    network: keras.Model, picture: NDArray[np.uint8]
) -> None:
    served = FaceNetwork(to_litert(network, None))
    for part in (picture, picture[:64, :128]):
        maps = network.predict(part[None].astype(np.float32), verbose=0)
        boxes, points, confidences = faces_from_maps([m[0] for m in maps], 0.001)
        found = served.find(part, 0.001)
        assert len(confidences) > 3
        assert found[0] == pytest.approx(boxes, abs=0.05)
        assert found[1] == pytest.approx(points, abs=0.05)
        assert found[2] == pytest.approx(confidences, abs=1e-4)


def test_the_integer_file_reads_grey_levels_and_is_smaller(
    network: keras.Model, picture: NDArray[np.uint8]
) -> None:
    integers = to_litert(network, picture[None, :64, :64])
    assert len(integers) < len(to_litert(network, None))
    boxes, _, confidences = FaceNetwork(integers).find(picture, 0.001)
    assert len(boxes) == len(confidences) > 3


def test_training_and_serving_networks_share_their_rows(
    network: keras.Model, picture: NDArray[np.uint8]
) -> None:
    square = picture[None, :SIDE_PX, :SIDE_PX].astype(np.float32)
    rows = training_model(network, SIDE_PX).predict(square, verbose=0)
    maps = network.predict(square, verbose=0)
    start = 0
    for level in range(len(STRIDES)):
        joined = np.concatenate([m[0] for m in maps[3 * level : 3 * level + 3]], axis=-1)
        flat = joined.reshape(-1, 15)
        assert rows[0, start : start + len(flat)] == pytest.approx(flat, abs=1e-4)
        start += len(flat)
    assert start == rows.shape[1]


def test_the_shipped_yunet_is_what_its_published_weights_give() -> None:
    pytest.importorskip("onnx", reason="needs the train extra")
    from training.detector.yunet import build_network

    folder = ROOT / "models" / "yunet"
    network = build_network(folder / "face_detection_yunet_2023mar.onnx")
    picture = np.random.default_rng(5).integers(0, 256, (96, 160, 3)).astype(np.uint8)
    shipped = AnySizeNetwork((folder / FILE_NAME).read_bytes(), STRIDES[-1]).maps(picture)
    built = network.predict(picture[None].astype(np.float32), verbose=0)
    for one, other in zip(shipped, built, strict=True):
        assert one == pytest.approx(other[0], abs=1e-3)
