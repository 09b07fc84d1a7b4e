"""The decisions of a stream, each alone: smoothing, matching, cadence."""

import itertools
import math

import numpy as np
import pytest

from core.emotions import EMOTIONS
from core.expression.conformal import ConformalFit
from core.stream.cadence import CadenceRules, Costs
from core.stream.smoothing import (
    RAW,
    SmoothedScores,
    SmoothingRules,
    blend,
    next_label,
    next_labels,
    smooth,
)
from core.stream.tracking import Track, TrackingRules, affinity, match, mix, move, update
from core.types import Box, EmotionScores, Face

RULES = SmoothingRules()
FIT = ConformalFit(target=0.9, edges=[0, 1], least_shares=[0.2])


def scores(**shares: float) -> EmotionScores:
    """Named shares; what is left goes evenly to the others."""
    rest = (1 - sum(shares.values())) / (len(EMOTIONS) - len(shares))
    return EmotionScores(np.float32([shares.get(name, rest) for name in EMOTIONS]))


def face(x: float, y: float = 100.0, side: float = 100.0) -> Face:
    return Face(Box(x, y, x + side, y + side), 0.9, np.empty((0, 2), np.float32), "test")


@pytest.mark.parametrize(
    ("elapsed_s", "time_constant_s", "share_of_new"),
    [
        (0.0, 0.3, 0.0),
        (0.3, 0.3, 1 - 1 / math.e),
        (30.0, 0.3, 1.0),
        (0.01, 0.0, 1.0),  # no smoothing
        (-1.0, 0.3, 0.0),  # a clock that went back
    ],
)
def test_blend(elapsed_s: float, time_constant_s: float, share_of_new: float) -> None:
    old, new = np.float32([1, 0]), np.float32([0, 1])
    mixed = blend(old, new, elapsed_s, time_constant_s)
    assert mixed.tolist() == pytest.approx([1 - share_of_new, share_of_new], abs=1e-6)


def test_smoothing_does_not_depend_on_the_frame_rate() -> None:
    def after_half_a_second(fps: int) -> float:
        state = smooth(None, scores(sad=0.9), 0.0, RULES, FIT)
        for i in range(1, fps // 2 + 1):
            state = smooth(state, scores(happy=0.9), i / fps, RULES, FIT)
        return state.scores.as_dict()["happy"]

    assert after_half_a_second(10) == pytest.approx(after_half_a_second(30), abs=1e-5)


@pytest.mark.parametrize(
    ("current", "happy", "sad", "label"),
    [
        (None, 0.4, 0.5, "sad"),
        ("happy", 0.45, 0.50, "happy"),  # behind, but not clearly
        ("happy", 0.30, 0.60, "sad"),
        ("sad", 0.45, 0.50, "sad"),
    ],
)
def test_the_label_changes_only_for_a_clear_lead(
    current: str | None, happy: float, sad: float, label: str
) -> None:
    assert next_label(current, scores(happy=happy, sad=sad).probabilities, 0.1) == label


@pytest.mark.parametrize(
    ("current", "sad", "named"),
    [
        ((), 0.21, True),  # what the fit says
        ((), 0.19, False),
        (("happy",), 0.22, False),
        (("happy",), 0.24, True),
        (("happy", "sad"), 0.18, True),
        (("happy", "sad"), 0.16, False),
    ],
)
def test_another_label_is_named_from_over_its_share_on_and_until_it_is_under_it(
    current: tuple[str, ...], sad: float, named: bool
) -> None:
    seen = scores(happy=0.7, sad=sad)
    assert next_labels(current, seen, RULES, FIT) == (("happy", "sad") if named else ("happy",))


def test_a_held_label_stays_first_and_the_one_before_it_is_named() -> None:
    assert next_labels(("happy",), scores(happy=0.44, sad=0.5), RULES, FIT) == ("happy", "sad")


def test_raw_rules_hand_the_model_through() -> None:
    state = smooth(None, scores(sad=0.9), 0.0, RAW, FIT)
    state = smooth(state, scores(happy=0.36, sad=0.35), 0.03, RAW, FIT)
    assert state.labels == ("happy", "sad")
    assert state.scores.probabilities.tolist() == pytest.approx(state.raw.probabilities.tolist())


def flips(noise: float, rules: SmoothingRules, n_frames: int = 900) -> int:
    """Label changes in half a minute of a face between two expressions, with noise on it."""
    rng = np.random.default_rng(4)
    state: SmoothedScores | None = None
    labels = []
    for i in range(n_frames):
        happy = float(np.clip(0.4 + rng.normal(0, noise), 0.05, 0.75))
        state = smooth(state, scores(happy=happy, sad=0.8 - happy), i / 30, rules, FIT)
        labels.append(state.labels[0])
    return sum(a != b for a, b in itertools.pairwise(labels))


def test_smoothing_ends_flicker_between_two_expressions_that_are_level() -> None:
    assert flips(0.05, RAW) > 300
    assert flips(0.05, RULES) == 0


def test_a_true_change_arrives_within_a_third_of_a_second() -> None:
    state = smooth(None, scores(sad=0.9), 0.0, RULES, FIT)
    changed_s = next(
        i / 30
        for i in range(1, 60)
        if (state := smooth(state, scores(happy=0.9), i / 30, RULES, FIT)).labels[0] == "happy"
    )
    assert changed_s <= 1 / 3


def test_scores_stay_probabilities_over_an_hour() -> None:
    rng = np.random.default_rng(0)
    state: SmoothedScores | None = None
    for i in range(20_000):
        raw = EmotionScores(rng.dirichlet(np.ones(7)).astype(np.float32))
        state = smooth(state, raw, i / 5.5, RULES, FIT)
    assert state is not None
    assert float(state.scores.probabilities.sum()) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    ("known", "found", "pairs"),
    [
        ([], [], []),
        ([Box(0, 0, 10, 10)], [], []),
        ([], [Box(0, 0, 10, 10)], []),
        ([Box(0, 0, 10, 10)], [Box(2, 0, 12, 10)], [(0, 0)]),
        ([Box(0, 0, 10, 10)], [Box(12, 0, 22, 10)], []),  # too far for one frame
        ([Box(0, 0, 10, 10)], [Box(6, 0, 16, 10)], [(0, 0)]),  # little overlap, but near
        ([Box(0, 0, 10, 10)], [Box(0, 0, 40, 40)], []),  # no face grows fourfold
        # The better pair goes first, whatever the order.
        ([Box(0, 0, 10, 10), Box(4, 0, 14, 10)], [Box(4, 0, 14, 10)], [(1, 0)]),
    ],
)
def test_match(known: list[Box], found: list[Box], pairs: list[tuple[int, int]]) -> None:
    assert match(known, found) == pairs


def test_affinity_is_symmetric() -> None:
    one, other = Box(0, 0, 10, 12), Box(7, 3, 19, 14)
    assert affinity(one, other) == affinity(other, one)


def run_tracker(frames: list[list[Face]], rules: TrackingRules | None = None) -> list[set[int]]:
    """Numbers shown after each frame, at ten frames a second."""
    rules = rules or TrackingRules()
    numbers, keys = itertools.count(1), itertools.count()
    tracks: tuple[Track, ...] = ()
    shown = []
    for i, faces in enumerate(frames):
        tracks = update(tracks, faces, i / 10, rules, numbers, keys)
        shown.append({t.id for t in tracks if t.id is not None and not t.lost})
    return shown


def test_one_detection_alone_gets_no_number() -> None:
    assert run_tracker([[], [face(10)], [], []]) == [set(), set(), set(), set()]


def test_a_number_stays_over_gaps_and_is_not_given_again() -> None:
    here = [face(10)]
    shown = run_tracker([here, here, [], here, *[[]] * 10, here, here])
    assert shown[1] == {1}
    assert shown[2] == set()  # not seen now
    assert shown[3] == {1}  # back within the time that it is kept
    assert shown[-1] == {2}  # away for longer: nobody is recognised


def test_two_people_keep_their_numbers_while_they_pass_each_other() -> None:
    frames = [[face(10 + 20 * i, 50), face(310 - 20 * i, 170)] for i in range(16)]
    numbers, keys = itertools.count(1), itertools.count()
    tracks: tuple[Track, ...] = ()
    for i, faces in enumerate(frames):
        tracks = update(tracks, faces, i / 10, TrackingRules(), numbers, keys)
    by_number = {t.id: t.face.box.centre_xy for t in tracks}
    assert by_number[1][1] < by_number[2][1]
    assert by_number[1][0] > by_number[2][0]


def test_a_lost_track_jumps_to_its_detection_and_others_are_calmed() -> None:
    rules = TrackingRules(box_gain=0.5)
    tracks = (Track(0, 1, face(100), 5, 0.0),)
    calm = update(tracks, [face(110)], 0.1, rules, itertools.count(2), itertools.count(1))
    assert calm[0].face.box.x_min == 105
    lost = move(tracks, [None])
    jumped = update(lost, [face(110)], 0.1, rules, itertools.count(2), itertools.count(1))
    assert jumped[0].face.box.x_min == 110
    assert not jumped[0].lost


def test_mix_of_boxes() -> None:
    assert mix(Box(0, 0, 10, 10), Box(10, 10, 30, 30), 0.5) == Box(5, 5, 20, 20)


@pytest.mark.parametrize(
    ("detect_ms", "other_ms", "interval_ms", "k"),
    [
        (0.0, 0.0, 33.3, 1),
        (5.0, 3.0, 33.3, 1),
        (16.0, 3.0, 33.3, 2),
        (60.0, 3.0, 33.3, 5),
        (1000.0, 3.0, 33.3, 12),  # never longer than 400 ms without a look
        (10.0, 30.0, 33.3, 12),  # no time left at all
        (1000.0, 1.0, 1000.0, 1),  # slow frames are looked at each
    ],
)
def test_detect_every(detect_ms: float, other_ms: float, interval_ms: float, k: int) -> None:
    assert Costs(detect_ms, other_ms, interval_ms).detect_every(CadenceRules()) == k


def test_costs_settle_on_what_is_measured() -> None:
    costs = Costs()
    assert costs.detect_every(CadenceRules()) == 1
    for i in range(40):
        costs = costs.measured(
            detect_ms=16.0 if i % 2 else None, other_ms=3.0, interval_ms=33.3 if i else None
        )
    assert (costs.detect_ms, costs.other_ms) == pytest.approx((16.0, 3.0))
    assert costs.detect_every(CadenceRules()) == 2
