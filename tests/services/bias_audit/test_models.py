"""An audit of several models, and of corrupted pictures; each figure recomputed another way."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from core.expression.classify import EmotionClassifier
from core.expression.model_card import model_ids
from core.measures.corruptions import CORRUPTIONS, corrupt
from core.measures.evaluation import predict
from services.bias_audit.judge import AuditResult, load_models, run_audit
from services.bias_audit.report import audit_html
from services.bias_audit.tables import audit_csv, audit_json
from tests.helpers.audit_sets import FindsEveryOther, checked, csv_bytes, good_zip

N, SAMPLE = 40, 6
STEPS: list[tuple[int, int]] = []


@pytest.fixture(scope="module")
def models(models_dir: Path) -> list[EmotionClassifier]:
    """The quickest model, and the same without looking at the mirror image, under another name."""
    one = EmotionClassifier.load("mobilenet-v2", models_dir)
    other = one.single_view()
    other.card = other.card.model_copy(update={"id": "one-view"})
    return [one, other]


@pytest.fixture(scope="module")
def audited() -> Any:
    return checked(csv_bytes(N, side=["a", "b"] * (N // 2)), good_zip(N), "side")


@pytest.fixture(scope="module")
def result(models: list[EmotionClassifier], audited: Any) -> AuditResult:
    STEPS.clear()
    return run_audit(
        models, audited, robustness_n=SAMPLE, progress=lambda done, n: STEPS.append((done, n))
    )


def test_each_model_is_judged_as_alone(
    models: list[EmotionClassifier], audited: Any, result: AuditResult
) -> None:
    for classifier, one in zip(models, result.models, strict=True):
        alone, _ = predict(classifier, audited.images)
        assert one.model_id == classifier.card.id
        assert one.predictions.probabilities == pytest.approx(alone, abs=1e-6)


def test_progress_counts_judgements_up_to_the_last(result: AuditResult) -> None:
    total = 2 * (N + 75 * SAMPLE)
    assert STEPS[-1] == (total, total)
    done = [step for step, _ in STEPS]
    assert done == sorted(done)
    assert {n for _, n in STEPS} == {total}
    assert len(done) == N + 2 * 75


def test_the_pair_is_mcnemars(result: AuditResult) -> None:
    (pair,) = result.pairs
    first, second = (one.predictions.right for one in result.models)
    only = int((first & ~second).sum()), int((~first & second).sum())
    assert (pair.first, pair.second) == (result.models[0].model_id, "one-view")
    assert (pair.test.only_first, pair.test.only_second) == only
    expected = binomtest(only[0], sum(only), 0.5).pvalue if sum(only) else 1.0
    assert pair.p_holm == pytest.approx(expected)


def test_robustness_is_accuracy_on_corrupted_crops(
    models: list[EmotionClassifier], audited: Any, result: AuditResult
) -> None:
    """Recomputed by hand from whole pictures of the model's own size."""
    from core.measures.corruptions import sample_rows
    from core.measures.evaluation import whole_crop
    from core.pictures.images import decode_image

    spec = models[0].card.face_input
    chosen = sample_rows(N, SAMPLE)
    encoded = list(audited.images.encoded())
    crops = [whole_crop(decode_image(encoded[i]).image_rgb, spec).squeeze() for i in chosen]
    found = {(row["corruption"], row["level"]): row for row in result.models[0].robustness["rows"]}
    assert len(found) == 75
    for name, level in (("haze", 3), ("JPEG", 5), ("occlusion", 1)):
        changed = np.stack([corrupt(c, name, level, seed=i) for i, c in enumerate(crops)])
        shaped = changed.reshape(SAMPLE, spec.size_px, spec.size_px, spec.channels)
        judged = models[0].probabilities(spec.normalise(shaped)).argmax(axis=1)
        expected = (judged == audited.images.labels[chosen]).mean()
        assert found[name, level]["accuracy"] == pytest.approx(expected)


def test_all_of_it_is_in_json_csv_and_the_report(result: AuditResult) -> None:
    figures = json.loads(audit_json(result))
    assert [one["model"] for one in figures["models"]] == [one.model_id for one in result.models]
    assert figures["models"][1]["robustness"]["n"] == SAMPLE
    assert figures["pairs"][0]["test"]["n"] == N
    table = pd.read_csv(io.StringIO(audit_csv(result)))
    assert table.groupby("model").size().to_dict() == dict.fromkeys(table["model"].unique(), N)
    assert table[table["model"] == "one-view"]["row"].tolist() == list(range(1, N + 1))
    report = audit_html(result)
    assert "The models on the same faces" in report
    assert "McNemar" in report
    assert all(name in report for name in CORRUPTIONS)
    assert report.count("<h3>Corrupted pictures</h3>") == 2


def test_without_asking_nothing_is_corrupted(
    models: list[EmotionClassifier], audited: Any
) -> None:
    result = run_audit(models[:1], audited)
    assert result.pairs == ()
    assert result.models[0].robustness is None
    assert json.loads(audit_json(result))["models"][0]["robustness"] is None
    assert "Corrupted pictures" not in audit_html(result)


def test_pictures_without_a_face_are_left_out_of_both(
    models: list[EmotionClassifier], audited: Any
) -> None:
    result = run_audit(models, audited, detector=FindsEveryOther(), robustness_n=SAMPLE)
    assert [len(one.predictions) for one in result.models] == [N // 2, N // 2]
    assert result.models[0].robustness is not None
    assert 0 < result.models[0].robustness["n"] <= SAMPLE


def test_a_run_can_be_stopped_while_pictures_are_corrupted(
    models: list[EmotionClassifier], audited: Any
) -> None:
    class Stopped(Exception):
        pass

    def progress(done: int, total: int) -> None:
        if done > N:
            raise Stopped

    with pytest.raises(Stopped):
        run_audit(models[:1], audited, robustness_n=2, progress=progress)


def test_models_are_loaded_once_each(models_dir: Path) -> None:
    names = model_ids(models_dir)[:1]
    assert [one.card.id for one in load_models(names * 2, models_dir)] == list(names)
