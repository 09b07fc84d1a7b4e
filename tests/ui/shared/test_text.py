"""Texts of outsiders are shown as they are, whatever marks they hold."""

import pytest
from markdown_it import MarkdownIt

from ui.shared.text import plain

HOSTILE = (
    "![p](http://127.0.0.1:9/x.png)",
    "<img src=http://127.0.0.1:9/x.png>",
    "[a](javascript:alert(1)) **b** _c_ `d` ~~e~~ $f$",
    "# heading\n- list\n1. one\n\n---\n> quote\n\n    code",
    "1. one",
    "- list",
    "a | b\n--|--\n1 | 2",
    "[x]: http://127.0.0.1:9/x.png",
    "back\\slash \\![p](u)",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_it_as_it_is(text: str) -> None:
    """By CommonMark with tables, whose reader is another one than the browser's."""
    tokens = MarkdownIt("commonmark", {"html": False}).enable("table").parse(plain(text))
    kinds = [t.type for t in tokens]
    assert kinds == ["paragraph_open", "inline", "paragraph_close"]
    children = tokens[1].children or []
    assert {child.type for child in children} <= {"text", "text_special"}
    shown = "".join(child.content for child in children).replace("\u2060", "")
    assert shown == " ".join(text.split())


def test_nothing_becomes_a_link_an_icon_or_an_emoji() -> None:
    """What the browser looks for in texts once marks are read: scheme://, www., a@b, :name:."""
    for text in ("http://a.b", "www.a.b", "a@b.c", ":material/bolt:", ":smile:", ":red[a]"):
        shown = plain(text).replace("\\", "")
        assert shown != text
        assert "\u2060" in shown
