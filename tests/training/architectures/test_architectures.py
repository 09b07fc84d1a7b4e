from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="needs the train extra (make setup-train)")

from core.emotions import EMOTIONS
from training.architectures import ARCHITECTURES

pytestmark = pytest.mark.train

SMALL: dict[str, dict[str, Any]] = {
    "convnext": {"widths": (8, 16), "depths": (1, 1)},
    "se_resnet": {"widths": (8, 16), "depths": (1, 1)},
    "separable": {"widths": (8, 16), "depths": (1, 2)},
    "vgg": {"widths": (8, 16), "convolutions": 1},
    "transfer": {"backbone": "mobilenet_v2", "weights": None, "side_px": 48, "head_units": 8},
}


def test_every_architecture_is_tried_here() -> None:
    assert set(SMALL) == set(ARCHITECTURES)


@pytest.mark.parametrize("name", sorted(SMALL))
def test_faces_in_logits_out_and_batch_members_do_not_mix(name: str) -> None:
    network = ARCHITECTURES[name](len(EMOTIONS), (48, 48, 1), **SMALL[name])
    faces = np.random.default_rng(0).normal(size=(3, 48, 48, 1)).astype(np.float32)
    logits = np.asarray(network.predict(faces, verbose=0))
    assert logits.shape == (3, len(EMOTIONS))
    alone = np.asarray(network.predict(faces[1:2], verbose=0))
    np.testing.assert_allclose(alone[0], logits[1], atol=1e-4)


@pytest.mark.parametrize("name", sorted(SMALL))
def test_weights_load_into_a_network_built_again(name: str, tmp_path: Any) -> None:
    faces = np.random.default_rng(0).normal(size=(2, 48, 48, 1)).astype(np.float32)
    first = ARCHITECTURES[name](len(EMOTIONS), (48, 48, 1), **SMALL[name])
    first.save_weights(tmp_path / "w.weights.h5")
    second = ARCHITECTURES[name](len(EMOTIONS), (48, 48, 1), **SMALL[name])
    second.load_weights(tmp_path / "w.weights.h5")
    np.testing.assert_allclose(
        second.predict(faces, verbose=0), first.predict(faces, verbose=0), atol=1e-5
    )


def test_untrained_residual_blocks_begin_as_their_shortcut() -> None:
    network = ARCHITECTURES["transfer"](
        len(EMOTIONS), (48, 48, 1), backbone="resnet50", side_px=32, head_units=8
    )
    backbone = network.get_layer("backbone")
    last_scales = [layer.gamma for layer in backbone.layers if layer.name.endswith("_3_bn")]
    assert len(last_scales) == 3 + 4 + 6 + 3
    faces = np.random.default_rng(0).normal(size=(2, 48, 48, 1)).astype(np.float32)
    before = network.predict(faces, verbose=0)
    for layer in backbone.layers:
        if layer.name.endswith("_3_conv"):
            layer.set_weights([2 * weight for weight in layer.get_weights()])
    np.testing.assert_array_equal(network.predict(faces, verbose=0), before)
    last_scales[-1].assign(np.ones(last_scales[-1].shape))
    assert np.abs(network.predict(faces, verbose=0) - before).max() > 0
