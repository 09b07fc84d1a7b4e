"""Two kinds of charts as SVG text, for reports that must work without scripts."""

import html
from dataclasses import dataclass
from typing import Final

from core.drawing.photo import EMOTION_COLOURS
from core.measures.groups.breakdown import Outcome

_LEFT, _TOP, _WIDTH, _HEIGHT = 60, 12, 460, 320
_QUIET: Final = "#8A8F94"


@dataclass(frozen=True)
class Line:
    """A line over the unit square with its name in the legend; `dash` as SVG writes it."""

    name: str
    x: list[float]
    y: list[float]
    colour: str
    dash: str


def lines_svg(lines: list[Line], x_title: str, y_title: str) -> str:
    """Lines over 0..1 by 0..1 with a legend at the right."""
    parts = [_axes(x_title, y_title)]
    for index, line in enumerate(lines):
        points = " ".join(
            f"{_LEFT + _WIDTH * x:.1f},{_TOP + _HEIGHT * (1 - y):.1f}"
            for x, y in zip(line.x, line.y, strict=True)
        )
        look = f'fill="none" stroke="{line.colour}" stroke-width="2.5"'
        dash = f' stroke-dasharray="{line.dash}"' if line.dash else ""
        if line.colour == EMOTION_COLOURS["happy"]:  # too pale to be seen on white alone
            parts.append(
                f'<polyline points="{points}" fill="none" stroke="#5B5600" stroke-width="4.5"/>'
            )
        parts.append(f'<polyline points="{points}" {look}{dash}/>')
        y = _TOP + 14 + 22 * index
        x = _LEFT + _WIDTH + 16
        parts.append(
            f'<line x1="{x}" x2="{x + 34}" y1="{y}" y2="{y}" {look}{dash}/>'
            f'<text x="{x + 42}" y="{y + 4}">{html.escape(line.name)}</text>'
        )
    label = html.escape(f"{y_title} against {x_title}")
    return _svg(720, _TOP + _HEIGHT + 48, label, parts)


def _axes(x_title: str, y_title: str) -> str:
    parts = []
    for step in range(6):
        share = step / 5
        x, y = _LEFT + _WIDTH * share, _TOP + _HEIGHT * (1 - share)
        parts.append(
            f'<line x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{y:.1f}" y2="{y:.1f}" '
            f'stroke="{_QUIET}" stroke-opacity=".35"/>'
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{share:.0%}</text>'
            f'<text x="{x:.1f}" y="{_TOP + _HEIGHT + 18}" text-anchor="middle">{share:.0%}</text>'
        )
    middle = _TOP + _HEIGHT / 2
    parts.append(
        f'<text x="{_LEFT + _WIDTH / 2}" y="{_TOP + _HEIGHT + 40}" text-anchor="middle">'
        f"{html.escape(x_title)}</text>"
        f'<text transform="translate(14 {middle}) rotate(-90)" text-anchor="middle">'
        f"{html.escape(y_title)}</text>"
    )
    return "".join(parts)


def dots_svg(outcome: Outcome) -> str:
    """Groups with intervals; hollow and grey under 30, hidden under 10."""
    rows = [row for row in outcome.groups if row.share is not None]
    if not rows:
        return ""
    left, width, step = 220, 400, 28
    bottom = 10 + step * len(rows)
    parts = []
    for tick in range(6):
        x = left + width * tick / 5
        parts.append(
            f'<line x1="{x}" x2="{x}" y1="4" y2="{bottom}" stroke="{_QUIET}" '
            f'stroke-opacity=".35"/><text x="{x}" y="{bottom + 18}" text-anchor="middle">'
            f"{tick / 5:.0%}</text>"
        )
    for index, row in enumerate(rows):
        y = 18 + step * index
        judged = row.status == "judged"
        colour = "#0072B2" if judged else _QUIET
        x = left + width * (row.share or 0)
        low, high = left + width * (row.low or 0), left + width * (row.high or 0)
        name = f"{row.group[:24]} (n={row.n})"
        parts.append(
            f'<text x="{left - 10}" y="{y + 4}" text-anchor="end">{html.escape(name)}</text>'
            f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y}" y2="{y}" stroke="{colour}" '
            f'stroke-width="2"/><circle cx="{x:.1f}" cy="{y}" r="5" stroke="{colour}" '
            f'stroke-width="2" fill="{colour if judged else "none"}"/>'
        )
    label = html.escape(f"share {outcome.title} by group")
    return f"<figure>{_svg(640, bottom + 26, label, parts)}</figure>"


def _svg(width: int, height: int, label: str, parts: list[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="{label}" '
        f'font-family="system-ui,sans-serif" font-size="13">{"".join(parts)}</svg>'
    )
