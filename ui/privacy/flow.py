"""The way of a photo as a picture: an SVG drawn by code, one for wide screens, one for phones.

`st.html` takes SVG only as a picture, which does not inherit the page's colour; so it is given.
"""

import base64
import html
import textwrap
from dataclasses import dataclass
from typing import Final, Literal

Tone = Literal["way", "gone", "kept", "log"]

# Seen on white and on near black; never colour alone, each box says what it is.
TONES: Final[dict[Tone, str]] = {
    "way": "#14948A", "gone": "#8A8F94", "kept": "#C77700", "log": "#3B82C4",
}  # fmt: skip
INK: Final = "#16212B"
INK_ON_DARK: Final = "#E8EDF1"
LINE_PX: Final = 17
PAD_PX: Final = 12
# A letter of the sans-serif at 13 px is 6.3 px wide on average, measured; rounded up for safety.
LETTER_PX: Final = 6.7


@dataclass(frozen=True)
class Step:
    """One box of the picture."""

    title: str
    words: str
    tone: Tone = "way"


def steps() -> tuple[Step, ...]:
    """The way that every photo takes."""
    return (
        Step("You", "read the notice, say what it is for, choose what you allow"),
        Step("Your photo", "goes to the computer that serves this page, nowhere else"),
        Step("Faces", "are found; hidden data (place, time, camera) is dropped"),
        Step("Seven scores", "say how much each expression resembles a prototype"),
        Step("Your screen", "shows picture and scores to you alone"),
    )


def ends(result_days: int, image_days: int) -> tuple[Step, ...]:
    """What can become of it afterwards; the days are those in force, 0 for not offered."""
    offered = [
        f"{what} {days} days"
        for what, days in (("result", result_days), ("image", image_days))
        if days
    ]
    kept = f"Locked with a key of your own: {', '.join(offered)}. With your code you can see it, "
    kept += "take it with you or have it erased at once. Then the key is destroyed."
    return (
        Step(
            "Forgotten – if you tick nothing more",
            "Photo and scores live in working memory and go when you leave or take the next one.",
            "gone",
        ),
        Step("Kept – only what you ticked", kept if offered else "Not offered here.", "kept"),
        Step(
            "One line in the log – always",
            "Time, purposes, a random number. No name, no address, no picture, no score.",
            "log",
        ),
    )


def flow_html(result_days: int, image_days: int, *, dark: bool = False) -> str:
    """Both pictures for `st.html`; the width of the screen decides which is seen.

    Args:
        result_days: how long results are kept that somebody wants kept; 0 for not offered.
        image_days: likewise images.
        dark: whether the page is light on dark.
    """
    last = ends(result_days, image_days)
    label = html.escape(
        ". ".join(f"{step.title}: {step.words}" for step in (*steps(), *last)), quote=True
    )
    ink = INK_ON_DARK if dark else INK
    wide, narrow = (
        _picture(draw(steps(), last).replace("currentColor", ink), label, name)
        for draw, name in ((wide_svg, "mien-wide"), (narrow_svg, "mien-narrow"))
    )
    return (
        "<style>.mien-narrow{display:none}@media(max-width:760px){.mien-wide{display:none}"
        f".mien-narrow{{display:block}}}}</style>{wide}{narrow}"
    )


def _picture(svg: str, label: str, name: str) -> str:
    data = base64.b64encode(svg.encode()).decode()
    return (
        f'<img class="{name}" alt="{label}" style="width:100%" '
        f'src="data:image/svg+xml;base64,{data}">'
    )


def wide_svg(way: tuple[Step, ...], last: tuple[Step, ...]) -> str:
    """Five boxes in a row, three below them."""
    width, gap = 940, 26
    box_width = (width - gap * (len(way) - 1)) / len(way)
    height = max(_height(step, box_width) for step in way)
    parts = []
    for index, step in enumerate(way):
        x = index * (box_width + gap)
        parts.append(_box(step, x, 2, box_width, height))
        if index:
            parts.append(_arrow(x - gap + 3, 2 + height / 2, x - 4, 2 + height / 2))
    below = height + 62
    end_width = (width - gap * (len(last) - 1)) / len(last)
    end_height = max(_height(step, end_width) for step in last)
    trunk, bend = width - box_width / 2, height + 30
    centres = [index * (end_width + gap) + end_width / 2 for index in range(len(last))]
    parts.append(_line(f"M{trunk:.0f} {height + 4:.0f}V{bend:.0f}H{centres[0]:.0f}"))
    for index, (step, centre) in enumerate(zip(last, centres, strict=True)):
        parts.append(_arrow(centre, bend, centre, below - 4))
        parts.append(_box(step, index * (end_width + gap), below, end_width, end_height))
    return _svg(width, below + end_height + 2, parts)


def narrow_svg(way: tuple[Step, ...], last: tuple[Step, ...]) -> str:
    """All boxes below each other; what can become of a photo is set in."""
    width, gap, inset = 350, 24, 26
    parts, y = [], 2.0
    for index, step in enumerate(way):
        height = _height(step, width)
        if index:
            parts.append(_arrow(width / 2, y - gap + 3, width / 2, y - 4))
        parts.append(_box(step, 0, y, width, height))
        y += height + gap
    trunk_top = y - gap
    for step in last:
        height = _height(step, width - inset)
        parts.append(_box(step, inset, y, width - inset, height))
        parts.append(_arrow(10, y + height / 2, inset - 4, y + height / 2))
        trunk_end = y + height / 2
        y += height + gap / 2
    parts.append(_line(f"M10 {trunk_top:.0f}V{trunk_end:.0f}"))
    return _svg(width, y, parts)


def _svg(width: float, height: float, parts: list[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" font-family="sans-serif" font-size="13">'
        f"{''.join(parts)}</svg>"
    )


def _lines(step: Step, width: float) -> list[str]:
    return textwrap.wrap(step.words, int((width - 2 * PAD_PX) / LETTER_PX))


def _height(step: Step, width: float) -> float:
    return 2 * PAD_PX + 20 + LINE_PX * len(_lines(step, width))


def _box(step: Step, x: float, y: float, width: float, height: float) -> str:
    colour = TONES[step.tone]
    text = "".join(
        f'<text x="{x + PAD_PX:.0f}" y="{y + PAD_PX + 34 + LINE_PX * index:.0f}" '
        f'fill="currentColor">{html.escape(line)}</text>'
        for index, line in enumerate(_lines(step, width))
    )
    return (
        f'<rect x="{x + 1:.1f}" y="{y:.1f}" width="{width - 2:.1f}" height="{height:.1f}" rx="9" '
        f'fill="{colour}" fill-opacity="0.10" stroke="{colour}" stroke-width="1.6"/>'
        f'<text x="{x + PAD_PX:.0f}" y="{y + PAD_PX + 14:.0f}" fill="currentColor" '
        f'font-weight="700" font-size="14">{html.escape(step.title)}</text>{text}'
    )


def _line(path: str) -> str:
    return f'<path d="{path}" fill="none" stroke="currentColor" stroke-opacity="0.55"/>'


def _arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    """A line with a head; markers would need ids, which a page may hold only once."""
    wings = "l-7 -4v8z" if y1 == y2 else "l-4 -7h8z"
    head = f"M{x2:.0f} {y2:.0f}{wings}"
    line = _line(f"M{x1:.0f} {y1:.0f}L{x2:.0f} {y2:.0f}")
    return f'{line}<path d="{head}" fill="currentColor" fill-opacity="0.55"/>'
