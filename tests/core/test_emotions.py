from typing import Any

import numpy as np
import pytest

from core.emotions import EMOTIONS, label_index, noun

# FER-2013's own numbering, from the set's description.
FER2013 = {0: "angry", 1: "disgust", 2: "fear", 3: "happy", 4: "sad", 5: "surprise", 6: "neutral"}


def test_the_order_is_that_of_fer2013() -> None:
    assert dict(enumerate(EMOTIONS)) == FER2013


@pytest.mark.parametrize(("index", "name"), FER2013.items())
def test_a_label_is_given_by_name_or_number(index: int, name: str) -> None:
    for label in (name, name.upper(), f" {name}\n", index, str(index), np.int64(index)):
        assert label_index(label) == index


@pytest.mark.parametrize(
    ("word", "name"),
    [("Anger", "angry"), ("happiness", "happy"), ("Surprised", "surprise"), ("afraid", "fear"),
     ("sadness", "sad"), ("disgusted", "disgust")],
)  # fmt: skip
def test_other_words_for_the_seven_are_understood(word: str, name: str) -> None:
    assert label_index(word) == EMOTIONS.index(name)


@pytest.mark.parametrize(
    "label", ["", " ", "contempt", "angry!", 7, -1, "-1", 3.0, "3.0", None, True, "nan", "³"]
)
def test_what_is_neither_is_refused_with_the_list(label: Any) -> None:
    with pytest.raises(ValueError, match=r"is not one of angry, .*neutral or a number 0\.\.6"):
        label_index(label)


def test_there_is_no_noun_for_what_is_not_a_label() -> None:
    with pytest.raises(KeyError):
        noun("contempt")
