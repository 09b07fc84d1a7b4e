"""What figures say, one sentence each, computed from them: on the page and in the report alike.

Plain texts without any mark: they hold names of files, columns and models, so that whoever shows
them escapes them (`ui.shared.text.plain`, the report's template).
"""

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from core.emotions import EMOTIONS, noun
from core.measures.accuracy import wilson_interval
from core.measures.curves import Predictions, confusion_counts
from core.measures.groups.gaps import ALPHA
from core.measures.groups.wording import p_text
from core.measures.paired import PairedModels

Named = Mapping[str, Predictions]
# Mean confidence this near to accuracy is neither too sure nor too unsure.
_NEAR: Final = 0.01


def percent(share: float | None, digits: int = 1) -> str:
    """A share in per cent, a dash for none: `percent(0.966)` is "96.6 %"."""
    if share is None or math.isnan(share):
        return "–"
    return f"{100 * share:.{digits}f}\u00a0%"


def between(low: float | None, high: float | None) -> str:
    """Both ends of an interval of shares: "69.3 to 72.3 %"."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return "–"
    return f"{100 * low:.1f} to {100 * high:.1f}\u00a0%"


def accuracy(named: Named) -> str:
    """How often each model is right; of several the best and the worst."""
    shares = {name: float(p.right.mean()) for name, p in named.items()}
    best, worst = _ends(shares)
    n = len(named[best])
    if len(named) == 1:
        low, high = wilson_interval(int(named[best].right.sum()), n)
        return (
            f"{best} is right in {percent(shares[best])} of {pictures(n)} "
            f"(95\u00a0%: {between(low, high)})."
        )
    return (
        f"Of {len(named)} models on {pictures(n)}, {best} is right most often "
        f"({percent(shares[best])}) and {worst} least ({percent(shares[worst])})."
    )


def pictures(n: int) -> str:
    """`pictures(1)` is "1 picture"."""
    return f"{n:,} picture{'s' * (n != 1)}"


def expressions(p: Predictions) -> str:
    """Which expression is recognised best and which worst."""
    recall = _recall(p)
    if len(recall) < 2:
        (name,) = recall
        return f"Of the faces labelled {name}, {percent(recall[name], 0)} are recognised."
    best, worst = max(recall.values()), min(recall.values())
    if best == worst:
        return f"Every expression is recognised alike ({percent(best, 0)})."
    return (
        f"{_those_at(recall, best).capitalize()} recognised best ({percent(best, 0)}), "
        f"{_those_at(recall, worst).rpartition(' ')[0]} worst ({percent(worst, 0)})."
    )


def _those_at(recall: Mapping[str, float], share: float) -> str:
    """Which expressions have that share, with the verb; three or more are only counted."""
    names = [noun(name) for name, found in recall.items() if found == share]
    if len(names) == 1:
        return f"{names[0]} is"
    return f"{' and '.join(names) if len(names) == 2 else f'{len(names)} expressions'} are"


def confusion(p: Predictions) -> str:
    """Which expression is missed most, and what it is taken for."""
    recall = _recall(p)
    worst = min(recall, key=recall.__getitem__)
    row = confusion_counts(p.labels, p.predicted)[EMOTIONS.index(worst)].astype(float)
    share = row / row.sum()
    share[EMOTIONS.index(worst)] = 0
    if not share.any():
        return "Every face is judged as it is labelled."
    taken = int(share.argmax())
    return (
        f"{noun(worst).capitalize()} is missed most: {percent(recall[worst], 0)} recognised, "
        f"mostly taken for {noun(EMOTIONS[taken])} ({percent(float(share[taken]), 0)})."
    )


def _recall(p: Predictions) -> dict[str, float]:
    """Share recognised of each expression that occurs."""
    return {
        name: float(p.right[p.labels == index].mean())
        for index, name in enumerate(EMOTIONS)
        if (p.labels == index).any()
    }


def roc(areas: Mapping[str, float]) -> str:
    """Which expression is told from the rest best and which worst, by area under its curve."""
    if not (found := _defined(areas)):
        return "A curve needs pictures with the expression and pictures without it."
    best, worst = _ends(found)
    return (
        f"{noun(best).capitalize()} is told from the rest best (area {found[best]:.2f}), "
        f"{noun(worst)} worst ({found[worst]:.2f}); guessing gives 0.50."
    )


def precision(averages: Mapping[str, float]) -> str:
    """For which expression finding most of it costs the fewest and the most false alarms."""
    if not (found := _defined(averages)):
        return "A curve needs pictures with the expression."
    best, worst = _ends(found)
    return (
        f"Finding {noun(best)} costs the fewest false alarms (average precision "
        f"{found[best]:.2f}), finding {noun(worst)} the most ({found[worst]:.2f})."
    )


def _ends(values: Mapping[str, float]) -> tuple[str, str]:
    """Whose value is the greatest, and whose the least."""
    return max(values, key=values.__getitem__), min(values, key=values.__getitem__)


def _defined(values: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in values.items() if not math.isnan(value)}


def reliability(named: Named) -> str:
    """Whether each model is as sure as it may be."""
    said = []
    for name, p in named.items():
        sure, right = float(p.confidence.mean()), float(p.right.mean())
        too = "too sure" if sure > right else "not sure enough"
        by = f"{too} by {100 * abs(sure - right):.1f} points"
        if abs(sure - right) < _NEAR:
            by = "about as sure as it may be"
        said.append(
            f"{name} says {percent(sure)} on average and is right in {percent(right)}: {by}."
        )
    return " ".join(said)


def coverage(name: str, table: pd.DataFrame, threshold: float) -> str:
    """What a threshold (0..0.99) leaves to be judged, and how right that is.

    `table` is from `core.measures.curves.coverage_accuracy`, one row a hundredth.
    """
    row = table.iloc[round(threshold * 100)]
    if not row["n"]:
        return f"{name}: no face reaches {threshold:.2f}."
    return (
        f"With the threshold at {threshold:.2f}, {name} judges {percent(row['coverage'], 0)} of "
        f"the faces, and {percent(row['accuracy'])} of those rightly "
        f"(95\u00a0%: {between(row['low'], row['high'])})."
    )


def robustness(content: Mapping[str, Any]) -> str:
    """What corruptions cost, and which costs most; of `n, clean_accuracy, rows`."""
    frame = pd.DataFrame(content["rows"])
    by_kind = frame.groupby("corruption")["accuracy"].mean()
    return (
        f"Untouched, {percent(content['clean_accuracy'])} of {pictures(content['n'])} are judged "
        f"right; corrupted in {len(by_kind)} ways, {percent(float(frame['accuracy'].mean()))} on "
        f"average. {str(by_kind.idxmin()).capitalize()} harms most "
        f"({percent(float(by_kind.min()), 0)}), {by_kind.idxmax()} least "
        f"({percent(float(by_kind.max()), 0)})."
    )


def pair(found: PairedModels) -> str:
    """Which of two models is right more often; size and interval have one sign."""
    test = found.test
    first, second = found.first, found.second
    difference, (low, high) = test.difference, test.difference_ci95
    if difference < 0:
        first, second, difference, low, high = second, first, -difference, -high, -low
    points = f"{100 * difference:.1f} points (95\u00a0%: {100 * low:.1f} to {100 * high:.1f})"
    if found.p_holm >= ALPHA:
        return (
            f"{first} and {second} differ by {points}: no more than chance gives on "
            f"{pictures(test.n)}. That does not show them to be equal."
        )
    return f"{first} is right more often than {second}, by {points}, beyond chance."


def pair_test(found: PairedModels, n_pairs: int = 1) -> str:
    """The test behind `pair`, for those who want to know."""
    exact = "exact binomial" if found.test.exact else "chi-squared with correction"
    p_said = p_text(found.p_holm) if found.p_holm < 0.001 else f"= {p_text(found.p_holm)}"
    several = " after Holm over all pairs of models" if n_pairs > 1 else ""
    return f"McNemar's test, {exact}, two-sided: p {p_said}{several}."


def undetected(named: Named, n_undetected: int) -> str:
    """What leaving out pictures without a face does to accuracy; "" for none."""
    if not n_undetected:
        return ""
    n_all = n_undetected + len(next(iter(named.values())))
    of_all = ", ".join(
        f"{percent(float(p.right.sum()) / n_all)} ({name})" for name, p in named.items()
    )
    return (
        f"In {n_undetected} of {pictures(n_all)} no face was found; they are not in the figures. "
        f"Counting them as wrong, accuracy is {of_all}."
    )


def misjudged(p: Predictions) -> str:
    """How many are judged wrong, and how sure the model was of those."""
    wrong = ~p.right
    if not wrong.any():
        return f"All {pictures(len(p))} are judged as they are labelled."
    sure = float(np.median(p.confidence[wrong]))
    return (
        f"{pictures(int(wrong.sum())).capitalize()} of {len(p):,} are judged otherwise than they "
        f"are labelled; of half of them the model was surer than {percent(sure, 0)}."
    )
