from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from core.emotions import EMOTIONS
from core.expression.classify import EmotionClassifier, softmax
from core.expression.model_card import model_ids
from tests.paths import ROOT

MODEL_IDS = model_ids(ROOT / "models")

pytestmark = pytest.mark.skipif(not MODEL_IDS, reason="no model is shipped yet")
each_model = pytest.mark.parametrize("model_id", MODEL_IDS)


@cache
def classifier(model_id: str) -> EmotionClassifier:
    return EmotionClassifier.load(model_id, ROOT / "models")


def some_faces(n: int, model_id: str, seed: int = 0) -> NDArray[np.float32]:
    """Blurred noise, normalised as the model wants it."""
    face_input = classifier(model_id).card.face_input
    coarse = np.random.default_rng(seed).integers(
        0, 256, (n, 8, 8, face_input.channels), dtype=np.uint8
    )
    crops = [
        face_input.resize(patch if patch.shape[2] == 3 else patch[..., 0]) for patch in coarse
    ]
    shape = (n, face_input.size_px, face_input.size_px, face_input.channels)
    return face_input.normalise(np.array(crops, np.uint8).reshape(shape))


def logits_tolerance(model_id: str) -> float:
    """Integer kernels give the same for any batch; float kernels may add in another order."""
    return 1e-5 if classifier(model_id).card.precision == "float32" else 1e-6


# --- Softmax ----------------------------------------------------------------------------------


def test_softmax_of_nothing_is_nothing() -> None:
    assert softmax(np.empty((0, 7), np.float32)).shape == (0, 7)


def test_softmax_is_a_quotient_of_exponentials() -> None:
    logits = np.random.default_rng(0).normal(0, 3, (20, 7)).astype(np.float32)
    expected = [[np.exp(value) / np.exp(row).sum() for value in row] for row in logits]
    assert softmax(logits) == pytest.approx(np.array(expected), abs=1e-6)


@pytest.mark.parametrize("big", [1e4, -1e4, 3e38])
def test_softmax_does_not_overflow(big: float) -> None:
    row = softmax(np.array([[big, 0, 0, 0, 0, 0, 0]], np.float32))[0]
    assert np.isfinite(row).all()
    assert row.sum() == pytest.approx(1)
    assert row[0] == pytest.approx(1 if big > 0 else 0)


# --- Batches ----------------------------------------------------------------------------------


@each_model
def test_no_faces_give_no_scores(model_id: str) -> None:
    nothing = some_faces(0, model_id)
    assert classifier(model_id).logits(nothing).shape == (0, classifier(model_id).head.n_outcomes)
    assert classifier(model_id).probabilities(nothing).shape == (0, len(EMOTIONS))
    assert classifier(model_id).scores(nothing) == ()


@each_model
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 16, 17, 60])
def test_a_batch_gives_what_its_faces_give_alone(model_id: str, n: int) -> None:
    faces = some_faces(n, model_id, seed=n)
    together = classifier(model_id).logits(faces)
    alone = np.concatenate([classifier(model_id).logits(face[None]) for face in faces])
    assert together.shape == (n, classifier(model_id).head.n_outcomes)
    assert together.dtype == np.float32
    assert np.abs(together - alone).max() <= logits_tolerance(model_id)
    assert n == 1 or np.ptp(together, axis=0).max() > 0.1  # the faces differ, and so do rows


@each_model
def test_the_faces_order_is_the_rows_order(model_id: str) -> None:
    faces = some_faces(21, model_id)
    order = np.random.default_rng(1).permutation(21)
    straight = classifier(model_id).logits(faces)
    shuffled = classifier(model_id).logits(faces[order])
    assert np.abs(shuffled - straight[order]).max() <= logits_tolerance(model_id)


@each_model
def test_probabilities_are_the_softmax_of_logits_over_the_temperature(model_id: str) -> None:
    faces = some_faces(5, model_id)
    head = classifier(model_id).head
    scaled = classifier(model_id).logits(faces).astype(np.float64) / head.temperature
    exponentials = np.exp(scaled + head.bias)[:, : len(EMOTIONS)]
    expected = exponentials / exponentials.sum(axis=1, keepdims=True)
    probabilities = classifier(model_id).probabilities(faces)
    assert probabilities == pytest.approx(expected, abs=1e-6)
    scores = classifier(model_id).scores(faces)
    assert [score.top for score in scores] == [EMOTIONS[i] for i in expected.argmax(axis=1)]
    for score, row in zip(scores, probabilities, strict=True):
        assert np.array_equal(score.probabilities, row)


@each_model
def test_flip_averaging_is_the_mean_over_face_and_mirror_image(model_id: str) -> None:
    card = classifier(model_id).card
    if card.members:
        pytest.skip("its members average, each for itself")
    content = (ROOT / "models" / model_id / card.file).read_bytes()
    single, both = (
        EmotionClassifier(card.model_copy(update={"flip_average": flip}), content)
        for flip in (False, True)
    )
    faces = some_faces(9, model_id)
    mirrored = faces[:, :, ::-1]
    expected = (single.logits(faces) + single.logits(mirrored)) / 2
    assert np.abs(both.logits(faces) - expected).max() <= logits_tolerance(model_id)
    assert np.abs(both.logits(mirrored) - expected).max() <= logits_tolerance(model_id)
    assert np.abs(single.logits(faces) - single.logits(mirrored)).max() > 0.01


@each_model
@pytest.mark.parametrize("cut", ["no batch", "too small", "too many channels", "flat", "one more"])
def test_faces_of_another_shape_are_refused(model_id: str, cut: str) -> None:
    faces = some_faces(2, model_id)
    wrong = {
        "no batch": faces[0],
        "too small": faces[:, 1:],
        "too many channels": np.repeat(faces, 2, axis=3),
        "flat": faces.reshape(2, -1),
        "one more": faces[None],
    }[cut]
    with pytest.raises(ValueError, match=r"faces must have shape \(n, .*\), got"):
        classifier(model_id).logits(wrong)


@each_model
def test_faces_are_not_changed(model_id: str) -> None:
    faces = some_faces(3, model_id)
    before = faces.copy()
    classifier(model_id).probabilities(faces)
    assert np.array_equal(faces, before)


# --- Threads ----------------------------------------------------------------------------------


@each_model
def test_many_threads_get_the_numbers_that_one_gets(model_id: str) -> None:
    """Fresh classifier: the interpreters of all batch sizes are made in the race as well."""
    jobs = [some_faces(n, model_id, seed=n) for n in (1, 2, 5, 17, 3, 1, 16, 4)]
    serial = [classifier(model_id).probabilities(faces) for faces in jobs]
    shared = EmotionClassifier.load(model_id, ROOT / "models")
    n_rounds = 3
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(shared.probabilities, jobs * n_rounds))
    for number, probabilities in enumerate(found):
        assert np.array_equal(probabilities, serial[number % len(jobs)])
