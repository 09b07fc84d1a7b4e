import numpy as np
import pytest

from core.measures.corruptions import CORRUPTIONS, LEVELS, corrupt
from tests.helpers.pictures import colourful

RGB = colourful(48, 48)
GREY = RGB.mean(axis=2).astype(np.uint8)


def test_there_are_at_least_twelve_in_five_levels() -> None:
    assert len(CORRUPTIONS) >= 12
    assert LEVELS == (1, 2, 3, 4, 5)


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("image", [GREY, RGB, RGB[:31, :17], GREY[:1, :1]])
def test_shape_and_type_stay_and_the_input_is_not_touched(name: str, image: np.ndarray) -> None:
    before = image.copy()
    for level in LEVELS:
        result = corrupt(image, name, level)
        assert result.shape == image.shape
        assert result.dtype == np.uint8
    assert (image == before).all()


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_same_seed_same_pixels(name: str) -> None:
    assert (corrupt(RGB, name, 3, seed=4) == corrupt(RGB, name, 3, seed=4)).all()


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_higher_levels_change_more(name: str) -> None:
    """The mean change of a grey level over some seeds, level 5 against 1, and never nothing."""
    changes = [
        np.mean([np.abs(corrupt(GREY, name, level, seed=s) - GREY.astype(float)).mean()
                 for s in range(8)])
        for level in LEVELS
    ]  # fmt: skip
    assert changes[0] > 0
    assert changes == sorted(changes)
    assert changes[-1] > 1.5 * changes[0]


@pytest.mark.parametrize("name", ["gaussian noise", "shot noise", "salt and pepper", "haze"])
def test_other_seeds_give_other_pixels(name: str) -> None:
    assert (corrupt(GREY, name, 3, seed=0) != corrupt(GREY, name, 3, seed=1)).any()


def test_strengths_are_what_they_say() -> None:
    flat = np.full((200, 200), 128, np.uint8)
    assert corrupt(flat, "gaussian noise", 3).astype(float).std() == pytest.approx(22, rel=0.05)
    salted = corrupt(flat, "salt and pepper", 4)
    assert (salted != 128).mean() == pytest.approx(0.11, rel=0.1)
    assert (corrupt(flat, "underexposed", 2) == round(128 * 0.45)).all()
    assert (corrupt(flat, "overexposed", 1) == 158).all()
    assert (corrupt(flat, "low contrast", 5) == 128).all()
    assert (corrupt(flat, "out of focus", 5) == 128).all()


@pytest.mark.parametrize(
    ("image", "name", "level", "words"),
    [
        (GREY, "fire", 1, "is not one of"),
        (GREY, "JPEG", 0, "level must be one of"),
        (GREY, "JPEG", 6, "level must be one of"),
        (GREY.astype(float), "JPEG", 1, "must be uint8"),
        (GREY[:0], "JPEG", 1, "must be uint8"),
    ],
)
def test_what_is_refused(image: np.ndarray, name: str, level: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        corrupt(image, name, level)
