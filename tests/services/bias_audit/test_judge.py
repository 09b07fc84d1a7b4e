"""Audits: their figures are those that masks give, too, and nothing stays behind."""

import html
import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from core.config import load_settings
from core.emotions import EMOTIONS
from core.expression.classify import EmotionClassifier
from core.measures.curves import Predictions
from services.bias_audit.input import AuditInputError, check_set, read_table
from services.bias_audit.judge import AuditResult, run_audit
from services.bias_audit.report import audit_html
from services.bias_audit.tables import audit_csv, audit_json
from tests.helpers.audit_sets import (
    FindsEveryOther,
    N,
    checked,
    csv_bytes,
    good_zip,
    labels,
    pictures,
    zipped,
)


@pytest.fixture(scope="module")
def classifier(models_dir: Path) -> EmotionClassifier:
    return EmotionClassifier.load(load_settings().default_model, models_dir)


def of(result: AuditResult) -> Predictions:
    return result.models[0].predictions


def test_a_csv_with_a_zip_gives_the_figures_that_masks_give(classifier: EmotionClassifier) -> None:
    sides = ["left"] * 40 + ["right"] * 30
    steps: list[tuple[int, int]] = []
    result = run_audit(
        [classifier],
        checked(csv_bytes(side=sides), good_zip(), "side"),
        progress=lambda done, total: steps.append((done, total)),
    )
    p = result.models[0].predictions
    assert steps[-1] == (N, N)
    assert len(p) == N
    (figures,) = json.loads(audit_json(result))["models"]
    assert figures["measures"]["accuracy"] == pytest.approx(accuracy_score(p.labels, p.predicted))
    assert figures["measures"]["macro_f1"] == pytest.approx(
        f1_score(p.labels, p.predicted, average="macro", zero_division=0)
    )
    assert figures["area_under_roc"]["sad"] == pytest.approx(
        roc_auc_score(p.labels == 4, p.probabilities[:, 4])
    )
    groups = figures["groups"]["attributes"][0]["outcomes"][0]["groups"]
    for row in groups:
        inside = np.array(sides) == row["group"]
        assert row["n"] == inside.sum()
        assert row["share"] == pytest.approx(p.right[inside].mean())


def test_the_csv_holds_enough_to_do_it_again(classifier: EmotionClassifier) -> None:
    result = run_audit([classifier], checked(csv_bytes(side=["a"] * N), good_zip(), "side"))
    table = pd.read_csv(io.StringIO(audit_csv(result)))
    assert table["row"].tolist() == list(range(1, N + 1))
    assert table["label"].tolist() == labels()
    assert table[list(EMOTIONS)].idxmax(axis=1).tolist() == table["judged"].tolist()
    assert (table["group side"] == "a").all()


def test_a_parquet_and_a_csv_of_the_same_pictures_agree(classifier: EmotionClassifier) -> None:
    buffer = io.BytesIO()
    pd.DataFrame({"image": pictures(), "label": labels()}).to_parquet(buffer)
    frame = read_table("x.parquet", buffer.getvalue())
    one = run_audit([classifier], check_set("x.parquet", frame))
    other = run_audit([classifier], checked(csv_bytes(), good_zip()))
    assert np.array_equal(of(one).probabilities, of(other).probabilities)


def test_one_class_data_is_audited_and_said(classifier: EmotionClassifier) -> None:
    table = csv_bytes(8, label=["happy"] * 8)
    result = run_audit([classifier], checked(table, good_zip(8)))
    assert "All 8 rows are labelled happy" in result.notes[0]
    # NaN is no JSON.
    (figures,) = json.loads(audit_json(result), parse_constant=pytest.fail)["models"]
    assert figures["area_under_roc"]["happy"] is None
    assert "All 8 rows are labelled happy" in audit_html(result)


def test_pictures_that_are_missing_or_unreadable_are_named_by_row(
    classifier: EmotionClassifier,
) -> None:
    files = {f"faces/{i}.png": data for i, data in enumerate(pictures(12))}
    del files["faces/3.png"], files["faces/11.png"]
    with pytest.raises(AuditInputError, match="lacks the pictures of rows 4, 12; it holds 10"):
        checked(csv_bytes(12), zipped(files))
    files |= {"faces/3.png": b"text", "faces/11.png": files["faces/1.png"][:300]}
    with pytest.raises(
        AuditInputError, match=r"unsupported format in row 4; damaged .* in row 12"
    ):
        run_audit([classifier], checked(csv_bytes(12), zipped(files)))


def test_stopping_is_raising_from_progress(classifier: EmotionClassifier) -> None:
    class Stopped(Exception):
        pass

    def progress(done: int, total: int) -> None:
        if done == 5:
            raise Stopped

    with pytest.raises(Stopped):
        run_audit([classifier], checked(csv_bytes(8), good_zip(8)), progress=progress)


def test_pictures_without_a_face_are_counted_not_dropped(classifier: EmotionClassifier) -> None:
    result = run_audit(
        [classifier],
        checked(csv_bytes(8, side=list("abcdefgh")), good_zip(8), "side"),
        detector=FindsEveryOther(),
    )
    assert result.undetected == [2, 4, 6, 8]
    assert result.rows.tolist() == [1, 3, 5, 7]
    assert result.groups["side"].tolist() == list("aceg")
    figures = json.loads(audit_json(result))
    assert figures["pictures"] == 8
    assert figures["undetected_rows"] == [2, 4, 6, 8]
    assert "In 4 of 8 pictures no face was found" in audit_html(result)


def test_a_set_without_any_face_is_refused(classifier: EmotionClassifier) -> None:
    with pytest.raises(AuditInputError, match="No face was found in any"):
        run_audit(
            [classifier], checked(csv_bytes(8), good_zip(8)), detector=FindsEveryOther(first=False)
        )


def test_the_report_is_self_contained_and_escapes_what_the_data_says(
    classifier: EmotionClassifier,
) -> None:
    evil = "<script>alert(1)</script>"
    sides = [evil] * 35 + ["=cmd|'/c calc'!A1"] * 35
    result = run_audit(
        [classifier],
        checked(csv_bytes(side=sides), good_zip(), "side"),
        source="predicted",
        label_error=0.1,
    )
    report = audit_html(result)
    assert evil not in report
    assert html.escape(evil) in report
    assert "<script" not in report
    assert not re.search(r"""(?:src|href)=|url\(|@import""", report)
    assert "default-src 'none'" in report
    assert "guesses of a small model" in report
    assert "If 10" in report
    assert "<img" not in report
    assert "'=cmd" in audit_csv(result)


def test_predicted_labels_without_a_known_error_carry_no_band(
    classifier: EmotionClassifier,
) -> None:
    table = csv_bytes(side=["a", "b"] * 35)
    result = run_audit([classifier], checked(table, good_zip(), "side"), source="predicted")
    assert result.models[0].bias.attributes[0].sensitivity is None


def test_nothing_is_written_to_disk(
    classifier: EmotionClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    result = run_audit([classifier], checked(csv_bytes(8), good_zip(8)))
    assert audit_html(result)
    assert audit_json(result)
    assert list(tmp_path.iterdir()) == []
