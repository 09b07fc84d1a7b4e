"""What stands beside a face: the answer, and how often its first label is right, and where."""

from typing import Any

import numpy as np
import pytest

from core.emotions import EMOTIONS
from core.types import Answer, EmotionScores
from ui.faces.card import believability, precision_of

OWN = {"all": {"per_class": {name: {"precision": 0.7} for name in EMOTIONS}}}
PEOPLE = {"people": {"precision": dict.fromkeys(EMOTIONS, 0.8)}}
PHOTOS = {"photos": {"RAF-DB": {"per_class": {name: {"precision": 0.9} for name in EMOTIONS}}}}


@pytest.mark.parametrize(
    ("report", "share", "measured_on"),
    [
        (OWN, 0.7, "own labels"),
        ({**OWN, "people": None, "photos": {}}, 0.7, "own labels"),
        ({**OWN, **PEOPLE}, 0.8, "majority of ten people"),
        ({**OWN, **PEOPLE, **PHOTOS}, 0.9, "RAF-DB, test photos"),
    ],
)
def test_precision_comes_from_photos_where_there_are_some_and_says_so(
    report: dict[str, Any], share: float, measured_on: str
) -> None:
    found, words = precision_of(report, "sad")
    assert found == share
    assert measured_on in words


def test_the_sentence_is_of_the_first_label() -> None:
    scores = EmotionScores(np.float32([0, 0, 0, 0, 0.45, 0, 0.55]))
    split = believability(Answer(scores, ("neutral", "sad")), OWN)
    assert split.startswith('When this model says "neutral" first it is right in 70')
    assert 'says "neutral" it is right' in believability(Answer(scores, ("neutral",)), OWN)
    never = {"all": {"per_class": {"neutral": {"precision": None}}}}
    assert "never said" in believability(Answer(scores, ("neutral",)), never)
    assert "not been evaluated" in believability(Answer(scores, ("neutral",)), None)
