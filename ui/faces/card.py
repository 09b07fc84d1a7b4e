"""Faces of a result: a picture, seven bars, and how far to believe the label."""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from core.drawing.photo import EMOTION_COLOURS
from core.emotions import EMOTIONS
from core.expression.answer import sentence
from core.types import Answer, EmotionScores, FaceAnalysis, FaceQuality
from ui.faces.pictures import address
from ui.shared.text import percent

QUALITY_HELP = (
    "At 80, faces in pictures like this one are judged right 0.8 times as often as in clear ones, "
    "measured on spoilt validation images. The poorer the picture, the more labels are named."
)


def cards_html(
    faces: Iterable[tuple[int, Sequence[FaceAnalysis]]],
    faces_jpeg: Sequence[bytes] = (),
    model_ids: Sequence[str] = (),
) -> str:
    """Cards of faces as HTML, side by side as far as there is room, in the order that is given.

    Each face is its number in the annotated picture and a model's answer, or two's whose
    `model_ids` are given: what each says, its shares one above the other's. There are no pictures
    where the photo is gone.
    """
    cards = "".join(
        _card(number, judged, picture, model_ids)
        for (number, judged), picture in zip(faces, faces_jpeg or repeat(b""), strict=False)
    )
    return f'<div class="mien-faces">{cards}</div>'


def _card(
    number: int, judged: Sequence[FaceAnalysis], picture: bytes, model_ids: Sequence[str]
) -> str:
    face, places = judged[0], ("first", "second")
    image = f'<img src="{address(picture)}" alt="Face {number}">' if picture else ""
    if model_ids:
        by_model = "".join(
            f'<span><b class="mien-{place}">{html.escape(name)}</b> {_said(one)}</span>'
            for place, name, one in zip(places, model_ids, judged, strict=True)
        )
        said, below = "", f'<div class="mien-said">{by_model}</div>{_two_bars(judged)}'
    else:
        said = f"<span>{_said(face)}</span>"
        below = "" if face.scores is None else bars_html(face.scores)
    return (
        f'<article class="mien-face"><header>{image}<div><b>Face {number}</b>{said}'
        f"{_quality_html(face)}</div></header>{below}</article>"
    )


def _two_bars(judged: Sequence[FaceAnalysis]) -> str:
    first, second = (face.scores for face in judged)
    if first is None or second is None:
        return ""
    others = second.as_dict()
    rows = []
    for name, share in first.as_dict().items():
        text = f"{percent(share)} · {percent(others[name])}"
        rows.append(Bar(name, share, text, EMOTION_COLOURS[name], other=others[name]))
    return bar_list_html(rows, "What share of people would say each expression, by model", 1.0)


def _quality_html(face: FaceAnalysis) -> str:
    if face.quality is None:
        return ""
    return f'<small title="{html.escape(QUALITY_HELP)}">{quality_words(face.quality)}</small>'


def quality_words(quality: FaceQuality) -> str:
    """Such as "Picture quality 62 of 100: blurred"."""
    flaw = f": {quality.flaw}" if quality.flaw else ""
    return f"Picture quality {100 * quality.score:.0f} of 100{flaw}"


def headline(number: int, face: FaceAnalysis) -> str:
    """One line of Markdown: what people would say, or why nothing is said."""
    return f"**Face {number}** – {_said(face)}"


def _said(face: FaceAnalysis) -> str:
    if face.scores is None:
        return f"{face.face.box.size_wh[1]:.0f} pixels high: too small to be judged"
    return sentence(face.answer)


def believability(answer: Answer, report: dict[str, Any] | None) -> str:
    """How often the model is right when this label is its first, and on which faces."""
    if report is None:
        return "This model has not been evaluated; do not rely on it."
    precision, measured_on = precision_of(report, str(answer.top))
    if precision is None:
        return f'This model never said "{answer.top}" in its test; do not rely on it.'
    first = " first" if answer.uncertain else ""
    return (
        f'When this model says "{answer.top}"{first} it is right in {percent(precision)} of the '
        f"cases ({measured_on})."
    )


def precision_of(report: dict[str, Any], label: str) -> tuple[float | None, str]:
    """How often a label named first is right, on the faces nearest to those of users; which.

    Photos come before what people say of FER-2013's test images, and that before its own labels.
    """
    for name, measured in (report.get("photos") or {}).items():
        return measured["per_class"][label]["precision"], f"{name}, test photos"
    people = (report.get("people") or {}).get("precision")
    if people:
        return people[label], "FER-2013's test images, majority of ten people"
    return report["all"]["per_class"][label]["precision"], "FER-2013's own labels, test split"


def reliability(every: Iterable[Answer], report: dict[str, Any] | None) -> str:
    """How often the model is right with the labels that it gave here: one sentence for all."""
    tops = {answer.top for answer in every}
    named = [name for name in EMOTIONS if name in tops]
    if not named:
        return ""
    if report is None:
        return "This model has not been evaluated; do not rely on it."
    shares, measured_on = [], ""
    for name in named:
        precision, measured_on = precision_of(report, name)
        shares.append(f"{name} {'never' if precision is None else percent(precision)}")
    said = ", ".join(shares)
    return f"How often this model is right with what it says first: {said} ({measured_on})."


@dataclass(frozen=True)
class Bar:
    """A row of a chart: its name, its length against the others', what is written behind it.

    `other` is the length of a second bar below the first, for a comparison.
    """

    name: str
    value: float
    text: str
    colour: str
    strong: bool = False
    other: float | None = None


def bars_html(scores: EmotionScores) -> str:
    """Shares of people as seven bars in HTML, the largest in bold; for any theme and reader."""
    rows = [
        Bar(name, share, percent(share, 1), EMOTION_COLOURS[name], name == scores.top)
        for name, share in scores.as_dict().items()
    ]
    return bar_list_html(rows, "What share of people would say each expression", 1.0)


def bar_list_html(rows: Sequence[Bar], label: str, whole: float | None = None) -> str:
    """Bars as a list that a screen reader reads; `whole` is the longest's value if not given."""
    longest = whole or max((row.value for row in rows), default=0) or 1.0
    items = "".join(
        f'<div role="listitem"{" class=strong" if row.strong else ""}>'
        f"<span>{html.escape(row.name)}</span>{_tracks(row, longest)}<span>{row.text}</span></div>"
        for row in rows
    )
    return f'<div class="mien-bars" role="list" aria-label="{html.escape(label)}">{items}</div>'


def _tracks(row: Bar, longest: float) -> str:
    def track(length: float) -> str:
        width = f"width:{100 * length / longest:.1f}%;background:{row.colour}"
        return f'<span class="mien-track"><span style="{width}"></span></span>'

    if row.other is None:
        return track(row.value)
    return f"<span>{track(row.value)}{track(row.other)}</span>"


def tile_html(picture_jpeg: bytes, said: str, source: str, alt: str) -> str:
    """A face in small, for a grid of many: what people would say, and where it comes from."""
    return (
        f'<figure class="mien-face"><img src="{address(picture_jpeg)}" '
        f'alt="{html.escape(alt)}"><figcaption><b>{html.escape(said)}</b>'
        f"<small>{html.escape(source)}</small></figcaption></figure>"
    )
