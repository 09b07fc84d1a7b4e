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
    """The expression as a noun.

    Raises:
        KeyError: if there is no such expression.

    Examples:
        >>> noun("happy")
        'happiness'
    """
    return _NOUNS[emotion]


# What other sets call them. Words of its own meaning, such as contempt, are in none of the seven.
_SYNONYMS: Final[dict[str, str]] = {
    **dict.fromkeys(("anger", "angriness", "rage", "mad"), "angry"),
    **dict.fromkeys(("disgusted",), "disgust"),
    **dict.fromkeys(("fearful", "afraid", "scared", "fearfulness"), "fear"),
    **dict.fromkeys(("happiness", "joy", "joyful", "smile", "smiling"), "happy"),
    **dict.fromkeys(("sadness", "unhappy"), "sad"),
    **dict.fromkeys(("surprised", "astonished", "astonishment"), "surprise"),
    **dict.fromkeys(("neutrality", "neutral expression", "normal"), "neutral"),
}


def label_index(label: str | int) -> int:
    """Index 0..6 of a label given as a name, another word for it, or FER-2013's number.

    Raises:
        ValueError: if the label is neither.

    Examples:
        >>> label_index("Joy"), label_index("3"), EMOTIONS[3]
        (3, 3, 'happy')
    """
    text = str(label).strip().lower()
    text = _SYNONYMS.get(text, text)
    if text in EMOTIONS:
        return EMOTIONS.index(text)
    if text.isdecimal() and int(text) < len(EMOTIONS):
        return int(text)
    raise ValueError(
        f"label {label!r} is not one of {', '.join(EMOTIONS)} or a number 0..{len(EMOTIONS) - 1}"
    )
