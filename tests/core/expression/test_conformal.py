"""The labels that are named hold the majority's label as often as promised."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from core.emotions import EMOTIONS
from core.errors import ModelError
from core.expression.conformal import (
    MOST_NEEDED,
    WITHOUT_FIT,
    ConformalFit,
    fit_conformal,
    load_conformal,
    ranking,
)
from core.expression.model_card import load_card
from core.types import EmotionScores, FloatArray
from tests.paths import ROOT

weights = arrays(np.float32, 7, elements=st.floats(0, 1, width=32)).filter(lambda w: w.sum() > 0.1)


def faces(n: int, seed: int) -> tuple[FloatArray, NDArray[np.int64], NDArray[np.float64]]:
    """Shares that a model would claim, the majority's labels, and the pictures' qualities.

    The poorer the picture, the more of what the model claims has nothing to do with people.
    """
    rng = np.random.default_rng(seed)
    quality = rng.uniform(0.3, 1, n)
    true, chance = rng.dirichlet(np.full(7, 0.4), n), rng.dirichlet(np.full(7, 0.4), n)
    majority = (true.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    claimed = quality[:, None] * true + (1 - quality[:, None]) * chance
    return claimed.astype(np.float32), majority.astype(np.int64), quality


def covered(fit: ConformalFit, seed: int) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    shares, majority, quality = faces(8000, seed)
    places = (ranking(shares) == majority[:, None]).argmax(axis=1)
    return places < fit.sizes(shares, quality), quality


@pytest.mark.parametrize("target", [0.8, 0.9, 0.95])
def test_other_faces_are_covered_as_promised_in_each_band_of_quality(target: float) -> None:
    fit = fit_conformal(*faces(8000, seed=1), target=target)
    held, quality = covered(fit, seed=2)
    # Two standard errors of both halves; over the target only where a share of 0.3 is enough.
    assert held.mean() > target - 0.01
    for low, high in zip(fit.edges[:-1], fit.edges[1:], strict=True):
        inside = held[(quality >= low) & (quality < high)]
        assert inside.mean() > target - 2.9 * np.sqrt(target * (1 - target) / len(inside) * 2)


def test_one_threshold_for_all_would_fail_the_poor_pictures() -> None:
    """What following the quality is for."""
    shares, majority, quality = faces(8000, seed=1)
    one, at = covered(fit_conformal(shares, majority), seed=2)
    following, _ = covered(fit_conformal(shares, majority, quality), seed=2)
    assert one[at < 0.5].mean() < 0.88
    assert following[at < 0.5].mean() > 0.89


def test_a_good_model_still_names_what_three_of_ten_people_would_say() -> None:
    shares = np.tile(np.float32([0.6, 0.35, 0.05, 0, 0, 0, 0]), (500, 1))
    fit = fit_conformal(shares, np.zeros(500, np.int64))
    assert max(fit.least_shares) <= MOST_NEEDED
    assert fit.labels(EmotionScores(shares[0])) == ("angry", "disgust")


@given(
    weights,
    st.lists(st.floats(-1, 2), min_size=1, max_size=1),
    st.one_of(st.none(), st.floats(0, 1)),
    st.floats(-0.1, 0.1),
)
def test_labels_are_a_prefix_of_the_ranking_and_never_none(
    values: NDArray[np.float32], needed: list[float], quality: float | None, slack: float
) -> None:
    scores = EmotionScores(values / values.sum())
    fit = ConformalFit(target=0.9, edges=[0, 1], least_shares=needed)
    labels = fit.labels(scores, quality, slack=slack)
    ranked = sorted(EMOTIONS, key=lambda name: -scores.as_dict()[name])
    assert labels
    assert list(labels) == ranked[: len(labels)]
    assert set(labels) <= set(fit.labels(scores, quality, slack=slack - 0.1))


@pytest.mark.parametrize("file", sorted((ROOT / "models").glob("*/conformal.json")), ids=str)
def test_each_shipped_fit_was_checked_on_other_images(file: Path) -> None:
    stored = json.loads(file.read_text(encoding="utf-8"))
    every = stored["check"]["all"]
    assert every["coverage"] > stored["target"] - 0.015
    assert every["no_agreement"] <= 0.1  # "people would not agree" stays rare
    assert stored["model_sha256"] == load_card(file.parent.name, ROOT / "models").sha256


def test_too_few_faces_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        fit_conformal(*faces(5, seed=0))


def test_a_model_without_a_fit_has_the_common_rule_and_a_damaged_one_is_an_error(
    tmp_path: Path,
) -> None:
    assert load_conformal("toy", tmp_path) is WITHOUT_FIT
    (tmp_path / "toy").mkdir()
    file = tmp_path / "toy" / "conformal.json"
    file.write_text(WITHOUT_FIT.model_dump_json())
    assert load_conformal("toy", tmp_path) == WITHOUT_FIT
    for damaged in ("{", '{"target": 0.9, "edges": [0, 1], "least_shares": []}'):
        file.write_text(damaged)
        with pytest.raises(ModelError, match="damaged"):
            load_conformal("toy", tmp_path)
