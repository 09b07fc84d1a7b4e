import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.detection.boxes import intersections, ious, sizes_px
from core.measures.detection.matching import (
    FALSE_ALARM,
    NOT_COUNTED,
    Detections,
    Truths,
    match,
    precision_recall,
)
from core.types import Box

A, B, SMALL = (0.0, 0.0, 10.0, 10.0), (20.0, 0.0, 30.0, 10.0), (50.0, 50.0, 54.0, 54.0)


def truths(*boxes: tuple[float, ...], ignored: tuple[int, ...] = ()) -> Truths:
    return Truths(np.array(boxes), np.isin(np.arange(len(boxes)), ignored))


def found(*rows: tuple[tuple[float, ...], float]) -> Detections:
    return Detections(np.array([row[0] for row in rows]), np.array([row[1] for row in rows]))


@pytest.mark.parametrize(
    ("truth", "detected", "expected"),
    [
        (truths(), found(), []),
        (truths(A), found(), []),
        (truths(), found((A, 0.9)), [FALSE_ALARM]),
        (truths(A, B), found((B, 0.5), (A, 0.9)), [1, 0]),
        # A second box on the same face is an error, even where it lies better.
        (truths(A), found((A, 0.5), ((0, 0, 10, 9), 0.9)), [FALSE_ALARM, 0]),
        # An overlap of exactly one half is enough, a little less is not.
        (truths(A), found(((0, 0, 10, 5), 0.9)), [0]),
        (truths(A), found(((0, 0, 10, 4.9), 0.9)), [FALSE_ALARM]),
        # The box that the first takes is left out; the second takes the other face it touches.
        (truths(A, (0, 2, 10, 12)), found((A, 0.9), ((0, 1, 10, 11), 0.8)), [0, 1]),
        # Ignored faces: a match is not counted, nor is what lies in them by over three tenths.
        (truths(A, ignored=(0,)), found((A, 0.9)), [NOT_COUNTED]),
        (truths(SMALL, ignored=(0,)), found(((48, 50, 52, 54), 0.9)), [NOT_COUNTED]),
        (truths(SMALL, ignored=(0,)), found(((46.9, 50, 50.9, 54), 0.9)), [FALSE_ALARM]),
        # A counted face comes before an ignored one that would fit better.
        (truths((0, 0, 10, 9), A, ignored=(1,)), found((A, 0.9)), [0]),
    ],
)
def test_each_detection_gets_its_face(
    truth: Truths, detected: Detections, expected: list[int]
) -> None:
    assert match(truth, detected).tolist() == expected


def test_the_curve_of_five_detections_by_hand() -> None:
    """Two photos, three faces: hit .9, miss .8, hit .7; hit .8, miss .1 (thresholds shared)."""
    far = (90.0, 90.0, 99.0, 99.0)
    curve = precision_recall(
        [truths(A, B), truths(A)],
        [found((A, 0.9), (far, 0.8), (B, 0.7)), found((A, 0.8), (far, 0.1))],
    )
    assert curve.n_faces == 3
    assert curve.thresholds.tolist() == [0.9, 0.8, 0.7, 0.1]
    assert curve.precision == pytest.approx([1, 2 / 3, 3 / 4, 3 / 5])
    assert curve.recall == pytest.approx([1 / 3, 2 / 3, 1, 1])
    # The envelope raises 2/3 to 3/4, which is reached at a larger recall.
    assert curve.average_precision == pytest.approx(1 / 3 * 1 + 2 / 3 * 3 / 4)
    assert curve.best.threshold == 0.7
    assert curve.best.f1 == pytest.approx(2 * 0.75 / 1.75)
    between = curve.at(0.75)
    assert (between.threshold, between.precision) == (0.75, pytest.approx(2 / 3))
    assert curve.at(0.8).recall == pytest.approx(2 / 3)


def test_without_faces_or_without_detections_nothing_is_made_up() -> None:
    none = precision_recall([truths(A)], [found()])
    assert none.average_precision == 0
    assert (none.best.recall, none.at(0.5).recall) == (0, 0)
    assert math.isnan(none.best.precision)
    empty = precision_recall([truths(A, ignored=(0,))], [found((A, 0.9), (B, 0.3))])
    assert empty.n_faces == 0
    for value in (empty.average_precision, empty.best.f1, empty.at(0.1).recall):
        assert math.isnan(value)
    assert math.isnan(precision_recall([], []).average_precision)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Truths(np.zeros((2, 4)), np.zeros(3, bool)), "ignored"),
        (lambda: Truths(np.zeros((2, 5)), np.zeros(2, bool)), "boxes_xyxy"),
        (lambda: Detections(np.zeros((2, 4)), np.zeros(1)), "confidences"),
    ],
)
def test_what_does_not_belong_together_is_refused(make: object, words: str) -> None:
    with pytest.raises(ValueError, match=f"{words} must have shape"):
        make()


def test_the_size_is_that_of_a_square_and_never_of_a_box_turned_inside_out() -> None:
    boxes = np.array([[0, 0, 10, 40], [5, 5, 5, 9], [9, 9, 5, 5]], float)
    assert sizes_px(boxes).tolist() == [20, 0, 0]


box = st.tuples(*[st.integers(0, 30)] * 2, *[st.integers(1, 20)] * 2).map(
    lambda v: (v[0], v[1], v[0] + v[2], v[1] + v[3])
)
scene = st.tuples(
    st.lists(st.tuples(box, st.booleans()), max_size=6),
    st.lists(st.tuples(box, st.sampled_from([0.1, 0.2, 0.5, 0.7, 0.9])), max_size=8),
)


@given(st.lists(scene, max_size=4))
@settings(max_examples=150, deadline=None)
def test_every_point_of_the_curve_is_what_counting_gives(scenes: list) -> None:
    """Each threshold counted anew, photo by photo, by loops over `Box`."""
    all_truths = [Truths([t[0] for t in s[0]], [t[1] for t in s[0]]) for s in scenes]
    all_found = [found(*s[1]) for s in scenes]
    curve = precision_recall(all_truths, all_found)
    counted = {}
    for threshold in {row[1] for s in scenes for row in s[1]}:
        hits = errors = 0
        for true, detected in scenes:
            faces = [Box(*b) for b, ignored in true if not ignored]
            ignored = [Box(*b) for b, is_ignored in true if is_ignored]
            for row in sorted(detected, key=lambda row: -row[1]):
                own = Box(*row[0])
                if row[1] < threshold:
                    continue
                best = max(faces, key=own.iou, default=None)
                if best is not None and own.iou(best) >= 0.5:
                    faces.remove(best)
                    hits += 1
                elif not any(_shared(own, other) > 0.3 * own.area for other in ignored):
                    errors += 1
        counted[threshold] = (hits, errors)
    for threshold, precision, recall in zip(
        curve.thresholds, curve.precision, curve.recall, strict=True
    ):
        hits, errors = counted[float(threshold)]
        assert precision == pytest.approx(hits / (hits + errors))
        assert recall == pytest.approx(hits / max(curve.n_faces, 1))
    if curve.n_faces:
        # Area under the best precision at no smaller recall, on a fine grid.
        grid = (np.arange(20_000) + 0.5) / 20_000
        heights = [
            curve.precision[curve.recall >= r].max(initial=0) for r in np.unique(curve.recall)
        ]
        places = np.searchsorted(np.unique(curve.recall), grid)
        area = np.append(heights, 0)[places].mean()
        assert curve.average_precision == pytest.approx(area, abs=1e-3)


def _shared(one: Box, other: Box) -> float:
    return float(intersections(np.array([one.xyxy]), np.array([other.xyxy]))[0, 0])


@given(box, box)
def test_overlaps_are_those_of_box(one: tuple[float, ...], other: tuple[float, ...]) -> None:
    value = ious(np.array([one], float), np.array([other], float))[0, 0]
    assert value == pytest.approx(Box(*one).iou(Box(*other)))
