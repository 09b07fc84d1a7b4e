"""The studies behind `mien bias`, each figure recomputed another way on made-up pictures."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime
from sklearn.metrics import log_loss
from typer.testing import CliRunner

from cli.training import bias
from core.emotions import EMOTIONS
from core.expression.classify import softmax
from core.measures.groups.breakdown import report_attribute
from core.measures.study import plain
from tests.core.measures.test_curves import made_up
from tests.helpers.pictures import colourful, encode
from training.data.pictures import PhotoFaces
from training.expression.calibrate import fit_shares
from training.studies.bias import mitigate
from training.studies.bias.annotator import AGE_GROUPS, age_group, hog_features, train_annotator
from training.studies.bias.before_after import (
    NOT_JUDGED,
    RIGHT,
    WRONG,
    before_after,
    change_verdict,
    gap_and_accuracy,
    paired_p,
    states,
    with_verdicts,
)
from training.studies.bias.breakdowns import dataset_study, disparity_questions
from training.studies.bias.measured import pixel_attributes, pixel_properties, thirds
from training.studies.bias.mitigate import threshold_for


def crops(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([
        np.clip(colourful(48, 48, seed=i).mean(axis=2) * rng.uniform(0.3, 1.2), 0, 255)
        for i in range(n)
    ]).astype(np.uint8)  # fmt: skip


def fer_like(tmp_path: Path, n: int = 90) -> Path:
    file = tmp_path / "fer2013.parquet"
    pd.DataFrame(
        {
            "split": ["train"] * (n // 3) + ["validation"] * (n // 3) + ["test"] * (n // 3),
            "label": [i % 7 for i in range(n)],
            "image": [encode(np.repeat(c[..., None], 3, 2), "PNG") for c in crops(n)],
        }
    ).to_parquet(file)
    return file


def test_pixel_properties_are_numpys() -> None:
    images = crops(5)
    found = pixel_properties(images)
    assert found["brightness"].to_numpy() == pytest.approx([c.mean() for c in images], rel=1e-4)
    assert found["contrast"].to_numpy() == pytest.approx([c.std() for c in images], rel=1e-4)
    left, right = images[2][:, :24].ravel(), images[2][:, :23:-1].ravel()
    expected = np.corrcoef(left.astype(float), right.astype(float))[0, 1]
    assert found["symmetry of halves"][2] == pytest.approx(expected, rel=1e-4)


def test_a_flat_picture_has_properties_too() -> None:
    found = pixel_properties(np.full((1, 48, 48), 7, np.uint8))
    assert found.iloc[0].tolist() == [7, 0, 0, 0]


def test_thirds_are_thirds_and_unknown_stays_unknown() -> None:
    groups = thirds(np.r_[np.arange(30.0), np.nan], ("low", "mid", "high"))
    names, counts = np.unique(groups, return_counts=True)
    assert dict(zip(names, counts, strict=True)) == {"": 1, "low": 10, "mid": 10, "high": 10}
    assert groups[0] == "low"
    assert groups[29] == "high"


def test_measured_attributes_say_that_they_are_measured() -> None:
    for attribute in pixel_attributes(pixel_properties(crops(30))):
        assert attribute.source == "measured"
        assert attribute.note
        assert len(set(attribute.groups)) == 3


def test_an_annotator_that_can_learn_learns_and_its_error_is_held_out() -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice(["a", "b"], 200)
    images = rng.integers(0, 60, (200, 48, 48)).astype(np.uint8)
    images[labels == "a", ::4] = 255  # stripes
    machine, held_out = train_annotator(hog_features(images), labels)
    assert held_out.error_share < 0.05
    assert (held_out.n_train, held_out.n) == (160, 40)
    assert np.sum(held_out.confusion) == 40
    assert machine.predict(hog_features(images[:5])).tolist() == labels[:5].tolist()


def test_an_annotator_that_cannot_learn_says_so() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (300, 48, 48)).astype(np.uint8)
    _, held_out = train_annotator(hog_features(images), rng.choice(["a", "b"], 300))
    assert 0.3 < held_out.error_share < 0.7


def test_age_groups_have_their_borders() -> None:
    found = age_group(pd.Series([0, 19, 20, 49, 50, 116]))
    assert found.tolist() == [AGE_GROUPS[i] for i in (0, 0, 1, 1, 2, 2)]


def test_disparities_are_masks_and_means() -> None:
    rng = np.random.default_rng(0)
    p, n = made_up(300), 300
    found = rng.random(n) < 0.9
    probabilities = np.where(found[:, None], p.probabilities, np.nan).astype(np.float32)
    meshed = found & (rng.random(n) < 0.8)
    photos = PhotoFaces(found, meshed, np.zeros((n, 1, 1), np.uint8), probabilities)
    groups = rng.choice(["x", "y"], n)
    from core.measures.groups.breakdown import Attribute

    report = report_attribute(
        Attribute("g", groups, "annotated"), disparity_questions(photos, 0.5), []
    )
    shares = {o.key: {g.group: g.share for g in o.groups} for o in report.outcomes}
    x = groups == "x"
    assert shares["detected"]["x"] == pytest.approx(found[x].mean())
    assert shares["mesh_failed"]["x"] == pytest.approx((~meshed)[x & found].mean())
    assert shares["uncertain"]["x"] == pytest.approx((p.confidence[x & found] < 0.5).mean())
    happy = EMOTIONS.index("happy")
    assert shares["judged_happy"]["x"] == pytest.approx((p.predicted[x & found] == happy).mean())


def test_gap_and_accuracy_from_cells_are_those_of_masks() -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 3, 500)
    before, after = rng.integers(0, 3, 500), rng.integers(0, 3, 500)
    cells = np.zeros((3, 9))
    np.add.at(cells, (groups, before * 3 + after), 1)
    gap_before, gap_after, accuracy_before, accuracy_after = gap_and_accuracy(cells)
    for state, gap, accuracy in (
        (before, gap_before, accuracy_before),
        (after, gap_after, accuracy_after),
    ):
        judged = state != NOT_JUDGED
        shares = [(state[judged & (groups == g)] == RIGHT).mean() for g in range(3)]
        assert gap == pytest.approx(max(shares) - min(shares))
        assert accuracy == pytest.approx((state[judged] == RIGHT).mean())


def test_states_follow_verdict_and_threshold() -> None:
    p = made_up(50)
    found = states(p.probabilities, p.labels, 0.4)
    assert ((found == NOT_JUDGED) == (p.confidence < 0.4)).all()
    assert ((found == RIGHT) == (p.right & (p.confidence >= 0.4))).all()
    assert (states(p.probabilities, p.labels) != WRONG).mean() == pytest.approx(p.right.mean())


def test_a_correction_recovers_a_known_distortion() -> None:
    p = made_up(4000)
    truth = np.log(p.probabilities.astype(float))
    rng = np.random.default_rng(1)
    labels = np.array([rng.choice(7, p=row / row.sum()) for row in p.probabilities.astype(float)])
    offsets = np.array([0.0, 1.0, 0, 0, -1.0, 0, 0])
    temperature, found = fit_shares(2 * truth + offsets, np.eye(7)[labels])
    scale = 1 / temperature
    assert scale == pytest.approx(0.5, abs=0.05)
    centred = found - found.mean()
    expected = -0.5 * (offsets - offsets.mean())
    assert centred == pytest.approx(expected, abs=0.2)
    before = log_loss(labels, softmax((2 * truth + offsets).astype(np.float32)))
    after = log_loss(labels, softmax((scale * (2 * truth + offsets) + found).astype(np.float32)))
    assert after < before


def test_the_threshold_is_the_smallest_that_reaches_the_target() -> None:
    p = made_up(2000)
    threshold = threshold_for(p.probabilities, p.labels, 0.85)
    kept = p.confidence >= threshold
    assert p.right[kept].mean() >= 0.85
    lower = np.sort(p.confidence[p.confidence < threshold])[-200:]
    assert all(p.right[p.confidence >= value].mean() < 0.85 for value in lower)
    assert threshold_for(p.probabilities[:5], p.labels[:5], 0.99) == 1


@pytest.mark.parametrize(
    ("low", "high", "p_holm", "words"),
    [
        (-0.1, -0.01, 0.01, "gap smaller, beyond chance"),
        (0.01, 0.1, 0.01, "gap larger, beyond chance"),
        (-0.1, 0.1, 0.01, "no change beyond chance"),
        (-0.1, -0.01, 0.2, "no change beyond chance once all rows are tested"),
    ],
)
def test_a_change_is_only_claimed_beyond_chance(
    low: float, high: float, p_holm: float, words: str
) -> None:
    assert change_verdict(low, high, p_holm) == words


def test_doing_nothing_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    groups, state = rng.integers(0, 3, 300), rng.integers(0, 2, 300)
    (row,) = with_verdicts([before_after("m", "a", "all faces", state, state, groups)])
    assert row["gap_change"] == 0
    assert row["accuracy_change_ci95"] == [0, 0]
    assert row["gap_change_p_holm"] == 1
    assert "no change" in row["verdict"]


def test_a_gap_that_is_closed_is_found_and_several_rows_are_corrected_together() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat([0, 1], 400)
    before = (rng.random(800) < np.where(groups == 0, 0.9, 0.5)).astype(int)
    after = np.where(groups == 1, rng.random(800) < 0.9, before).astype(int)
    rows = [
        before_after("m", "a", "all faces", before, state, groups) for state in (after, before)
    ]
    closed, same = with_verdicts(rows)
    assert closed["verdict"] == "gap smaller, beyond chance"
    assert same["verdict"] == "no change beyond chance"
    assert closed["gap_change_p_holm"] == pytest.approx(2 * closed["gap_change_p"])


def test_paired_p_is_twice_the_rarer_sign() -> None:
    assert paired_p(np.r_[np.full(10, 0.1), np.full(89, -0.1)]) == pytest.approx(0.22)
    assert paired_p(np.zeros(99)) == 1


def test_stretching_fills_the_range_and_leaves_flat_pictures() -> None:
    image = crops(1)[0]
    assert mitigate.stretch(image).min() == 0
    assert mitigate.stretch(image).max() == 255
    flat = np.full((48, 48), 9, np.uint8)
    assert (mitigate.stretch(flat) == flat).all()
    assert mitigate.even_out(image).shape == image.shape


def test_the_data_set_study_counts_every_image(tmp_path: Path) -> None:
    content = dataset_study(fer_like(tmp_path), command="mien bias dataset")
    assert sum(sum(c.values()) for c in content["class_counts"].values()) == 90
    for part in content["associations"].values():
        assert part["association"]["n"] == 90
    shares = np.bincount([i % 7 for i in range(30)]) / 30
    assert content["effective_classes"] == pytest.approx(np.prod(shares**-shares))


def test_commands_write_strict_json_without_paths(
    tmp_path: Path, models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bias, "write", lambda name, content: written.update({name: content}))
    written: dict[str, object] = {}
    data = str(fer_like(tmp_path))
    monkeypatch.setattr("sys.argv", ["mien", "bias", "dataset", "--data", data])
    done = CliRunner().invoke(bias.app, ["dataset", "--data", data])
    assert done.exit_code == 0, done.output
    content = plain(written["bias_dataset_fer2013"], 6)
    text = json.dumps(content, allow_nan=False)
    assert str(tmp_path) not in text
    assert "mien bias dataset --data fer2013.parquet" in text


def test_rounding_keeps_meaning() -> None:
    assert plain({"a": [0.1234567891, float("nan")], 1: 2}, 6) == {
        "a": [0.123457, None],
        "1": 2,
    }


def test_the_gradient_of_the_correction_is_right() -> None:
    """The optimiser stops where the numeric gradient is flat as well."""
    p = made_up(200)
    logits = np.log(p.probabilities.astype(float))
    temperature, offsets = fit_shares(logits, np.eye(7)[p.labels], penalty=0.05)

    def loss(parameters: np.ndarray) -> float:
        probabilities = softmax(np.exp(parameters[0]) * logits + parameters[1:])
        picked = probabilities[np.arange(200), p.labels].astype(float)
        return float(-np.log(picked).mean() + 0.05 * (parameters[1:] ** 2).sum())

    at = np.r_[-np.log(temperature), offsets]
    assert np.abs(approx_fprime(at, loss, 1e-3)).max() < 0.01
