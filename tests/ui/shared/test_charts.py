"""One style for all charts: seen on both grounds, told apart without colour."""

import re

import pytest

from core.drawing.photo import CHART_COLOURS
from core.emotions import EMOTIONS
from tests.paths import ROOT
from ui.shared import figures
from ui.shared.charts import DASHES, QUIET, SYMBOLS, expression_look, literal, series_look


def luminance(colour: str) -> float:
    """Relative luminance of "#RRGGBB" as WCAG 2.2 defines it."""
    values = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def grounds() -> dict[str, str]:
    """Backgrounds of the two themes, from the settings that the server reads."""
    config = (ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    found = re.findall(r'^backgroundColor = "(#\w{6})"', config, flags=re.M)
    return dict(zip(("light", "dark"), found, strict=True))


@pytest.mark.parametrize("colour", [*CHART_COLOURS.values(), QUIET])
def test_lines_are_seen_on_both_grounds(colour: str) -> None:
    for ground in grounds().values():
        assert contrast(colour, ground) >= 3


def test_ticks_can_be_read_on_both_grounds() -> None:
    found = grounds()
    assert contrast(figures._TEXT[False], found["light"]) >= 4.5
    assert contrast(figures._TEXT[True], found["dark"]) >= 4.5


def test_series_differ_without_their_colours() -> None:
    assert len(set(DASHES)) == len(set(SYMBOLS)) == len(EMOTIONS)
    for looks in (map(expression_look, EMOTIONS), map(series_look, range(6))):
        found = list(looks)
        assert len({(look.dash, look.symbol) for look in found}) == len(found)


def test_a_group_s_name_is_no_link() -> None:
    assert "<" not in literal('<a href="http://127.0.0.1/">here</a>')
