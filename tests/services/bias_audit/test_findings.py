"""What figures say is computed from them, with the right names, signs and shares."""

import numpy as np
import pytest

from core.emotions import EMOTIONS
from core.measures.curves import Predictions, coverage_accuracy
from core.measures.paired import PairedModels, mcnemar
from services.bias_audit import findings, tables


def judged(labels: list[int], verdicts: list[int], sure: float = 0.8) -> Predictions:
    """Predictions that give `sure` to each verdict and share the rest evenly."""
    probabilities = np.full((len(labels), 7), (1 - sure) / 6, np.float32)
    probabilities[np.arange(len(labels)), verdicts] = sure
    return Predictions(np.array(labels), probabilities, np.zeros(len(labels), bool))


FEAR, HAPPY, SAD = (EMOTIONS.index(name) for name in ("fear", "happy", "sad"))
# Ten of each: happy always right; of fear four right and five taken for sad, one for happy.
P = judged([HAPPY] * 10 + [FEAR] * 10, [HAPPY] * 10 + [FEAR] * 4 + [SAD] * 5 + [HAPPY])


def test_accuracy_and_expressions_are_those_of_the_predictions() -> None:
    assert "mine is right in 70.0\u00a0% of 20 pictures" in findings.accuracy({"mine": P})
    worse = judged([HAPPY] * 20, [SAD] * 20)
    both = findings.accuracy({"worse": worse, "mine": P})
    assert "mine is right most often (70.0\u00a0%) and worse least (0.0\u00a0%)" in both
    said = findings.expressions(P)
    assert said == "Happiness is recognised best (100\u00a0%), fear worst (40\u00a0%)."


def test_expressions_that_are_recognised_alike_are_not_told_apart() -> None:
    alike = judged([HAPPY, FEAR], [HAPPY, FEAR])
    assert findings.expressions(alike) == "Every expression is recognised alike (100\u00a0%)."
    two = judged([HAPPY, SAD, FEAR], [HAPPY, SAD, SAD])
    assert findings.expressions(two) == (
        "Happiness and sadness are recognised best (100\u00a0%), fear worst (0\u00a0%)."
    )
    three = judged([0, 1, HAPPY, FEAR], [0, 1, HAPPY, SAD])
    assert findings.expressions(three).startswith("3 expressions are recognised best")


def test_what_is_missed_most_is_named_with_what_it_is_taken_for() -> None:
    assert findings.confusion(P) == (
        "Fear is missed most: 40\u00a0% recognised, mostly taken for sadness (50\u00a0%)."
    )
    right = judged([HAPPY, FEAR], [HAPPY, FEAR])
    assert findings.confusion(right) == "Every face is judged as it is labelled."


@pytest.mark.parametrize(("sure", "word"), [(0.9, "too sure by"), (0.5, "not sure enough by")])
def test_reliability_says_which_way_it_errs(sure: float, word: str) -> None:
    p = judged(P.labels.tolist(), P.predicted.tolist(), sure)
    said = findings.reliability({"mine": p})
    assert f"{word} 20.0 points" in said


def test_coverage_counts_what_is_at_or_above_the_threshold() -> None:
    table = coverage_accuracy(P.labels, P.probabilities)
    assert "judges 100\u00a0% of the faces, and 70.0\u00a0%" in findings.coverage("m", table, 0.5)
    assert findings.coverage("m", table, 0.95) == "m: no face reaches 0.95."


@pytest.mark.parametrize("swapped", [False, True])
def test_size_and_interval_of_a_pair_have_one_sign(swapped: bool) -> None:
    first = np.repeat([True, True, False, False], [50, 30, 5, 15])
    second = np.repeat([True, False, True, False], [50, 30, 5, 15])
    names = ("worse", "better") if swapped else ("better", "worse")
    pair = mcnemar(second, first) if swapped else mcnemar(first, second)
    found = PairedModels(first=names[0], second=names[1], test=pair, p_holm=pair.p_value)
    said = findings.pair(found)
    low, high = sorted(100 * abs(end) for end in pair.difference_ci95)
    assert said == (
        f"better is right more often than worse, by 25.0 points (95\u00a0%: {low:.1f} to "
        f"{high:.1f}), beyond chance."
    )
    same = mcnemar(first, first)
    equal = PairedModels(first="x", second="y", test=same, p_holm=same.p_value)
    assert "no more than chance" in findings.pair(equal)


def test_pictures_without_a_face_count_as_wrong() -> None:
    assert "accuracy is 56.0\u00a0% (mine)" in findings.undetected({"mine": P}, 5)
    assert findings.undetected({"mine": P}, 0) == ""


def test_robustness_names_the_worst_and_the_least() -> None:
    rows = [
        {"corruption": name, "level": level, "accuracy": accuracy}
        for name, accuracy in (("haze", 0.2), ("noise", 0.6))
        for level in (1, 2)
    ]
    said = findings.robustness({"n": 20, "clean_accuracy": 0.7, "rows": rows})
    assert "Haze harms most (20\u00a0%), noise least (60\u00a0%)" in said
    assert "40.0\u00a0% on average" in said


def test_tables_show_an_expression_that_never_occurs_as_a_dash() -> None:
    table = tables.expressions_text(P).set_index("expression")
    assert table.loc["disgust", "recognised (recall)"] == "–"
    assert table.loc["fear", "recognised (recall)"].startswith("40.0\u00a0%")
    counts, shares = tables.confusion_text(P)
    assert counts.loc["fear", "sad"] == "5 (50\u00a0%)"
    assert shares[FEAR, SAD] == pytest.approx(0.5)
