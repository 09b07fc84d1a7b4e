"""The seven expressions of FER-2013 in its label order: the one list that everything uses."""

from typing import Final

EMOTIONS: Final[tuple[str, ...]] = (
    "angry",
    "disgust",
    "fear",
    "happy",
    "sad",
    "surprise",
    "neutral",
)

# People would *say* happy; nobody *is* happy because a model says so.
_NOUNS: Final[dict[str, str]] = {
    "angry": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happiness",
    "sad": "sadness",
    "surprise": "surprise",
    "neutral": "a neutral expression",
}


def noun(emotion: str) -> str:
    """The expression as a noun: `noun("happy")` is "happiness". Raises KeyError if unknown."""
    return _NOUNS[emotion]


def label_index(label: str | int) -> int:
    """Index 0..6 of a label given as one of the seven names or as FER-2013's number.

    Raises:
        ValueError: if the label is neither.
    """
    text = str(label).strip().lower()
    if text in EMOTIONS:
        return EMOTIONS.index(text)
    if text.isdecimal() and int(text) < len(EMOTIONS):
        return int(text)
    raise ValueError(
        f"label {label!r} is not one of {', '.join(EMOTIONS)} or a number 0..{len(EMOTIONS) - 1}"
    )
