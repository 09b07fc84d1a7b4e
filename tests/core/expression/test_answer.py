"""One rule for what is said of a face, and one wording of it."""

import numpy as np
import pytest

from core.emotions import EMOTIONS
from core.expression.answer import answer_of, band, counted, sentence, short, shortest, times
from core.expression.conformal import ConformalFit
from core.types import TOO_SMALL, Answer, EmotionScores

FIT = ConformalFit(target=0.9, edges=[0, 0.5, 1], least_shares=[0.05, 0.2])


def scores(**shares: float) -> EmotionScores:
    """Named shares; what is left goes to disgust."""
    rest = 1 - sum(shares.values())
    return EmotionScores(
        np.float32([shares.get(name, rest if name == "disgust" else 0) for name in EMOTIONS])
    )


SPREAD = {"angry": 0.16, "fear": 0.17, "happy": 0.15, "sad": 0.18, "neutral": 0.19}


@pytest.mark.parametrize(
    ("shares", "quality", "said", "in_short", "in_a_word", "counts_as"),
    [
        ({"happy": 0.97}, None, "nearly everybody would say happy", "happy", "happy", "happy"),
        ({"happy": 0.83}, None, "8 of 10 people would say happy", "happy", "happy", "happy"),
        ({"sad": 0.6, "fear": 0.19, "happy": 0.13}, None,
         "6 of 10 people would say sad", "sad", "sad", "sad"),
        ({"sad": 0.4, "neutral": 0.55}, None,
         "people would be split: neutral or sad", "neutral or sad", "neutral?", "split"),
        ({"sad": 0.25, "neutral": 0.45, "angry": 0.3}, 0.9,
         "people would be split: neutral, angry or sad", "neutral, angry or sad", "neutral?",
         "split"),
        # The poorer the picture, the smaller a share is named.
        ({"happy": 0.93}, 0.4, "people would be split: happy or disgust", "happy or disgust",
         "happy?", "split"),
        ({"happy": 0.93}, 0.6, "9 of 10 people would say happy", "happy", "happy", "happy"),
        (SPREAD, 0.4, "people would not agree", "no agreement", "neutral?", "no agreement"),
    ],
)  # fmt: skip
def test_the_rule(
    shares: dict[str, float], quality: float | None, said: str, in_short: str, in_a_word: str,
    counts_as: str,
) -> None:  # fmt: skip
    given = scores(**shares)
    answer = Answer(given, FIT.labels(given, quality))
    words = (sentence(answer), short(answer), shortest(answer), band(answer))
    assert words == (said, in_short, in_a_word, counts_as)


def test_a_face_that_is_too_small_says_so_everywhere() -> None:
    words = (sentence(TOO_SMALL), short(TOO_SMALL), shortest(TOO_SMALL), band(TOO_SMALL))
    assert words == ("too small to be judged", "too small", "too small", "too small")


def test_counts_come_most_frequent_first() -> None:
    happy, split = scores(happy=0.9), scores(sad=0.4, neutral=0.55)
    answers = [Answer(given, FIT.labels(given)) for given in (split, happy, happy)]
    assert counted([*answers, TOO_SMALL]) == "2 happy, 1 neutral or sad, 1 too small"
    assert counted([]) == ""


def test_times_add_up_to_the_whole() -> None:
    said = times({"split": 1.0, "happy": 2.0, "no agreement": 1.0, "sad": 0.0})
    assert said == (
        "happy 50 % of the time, people would be split 25 %, people would not agree 25 %"
    )
    assert times({}) == ""


def test_what_was_stored_by_any_version_is_read() -> None:
    shares = dict(zip(EMOTIONS, scores(sad=0.4, neutral=0.55).probabilities.tolist(), strict=True))
    now = {"shares": shares, "labels": ["neutral"], "top": "neutral", "uncertain": False}
    assert answer_of(now).labels == ("neutral",)
    before = {"scores": shares, "top": "neutral", "uncertain": True}
    assert answer_of(before).labels == ("neutral", "sad")
    assert answer_of({**before, "uncertain": False}).labels == ("neutral",)
    assert answer_of({"scores": None, "top": None, "uncertain": True}) is TOO_SMALL
