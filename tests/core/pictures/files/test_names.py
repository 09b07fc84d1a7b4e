"""Any file's name as text, and back."""

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from core.pictures.files.names import original, printable

NAMES = st.text(st.characters(codec=None, categories=None), max_size=30)


@given(NAMES)
def test_every_name_comes_back_and_can_be_written(name: str) -> None:
    text = printable(name)
    text.encode("utf-8")
    assert original(text) == name
    assert "\n" not in text


def test_a_name_that_is_no_utf8_is_found_again(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/Zo\xeb.jpg"
    Path(os.fsdecode(raw)).touch()
    (found,) = (printable(path.name) for path in tmp_path.iterdir())
    assert found == r"Zo\xeb.jpg"
    assert (tmp_path / original(found)).exists()


def test_names_that_can_be_printed_are_left_alone() -> None:
    for name in ("写真.jpg", "Zoë.jpg", "C:\\photos\\a.jpg", "a\u202fb.png", "👩\u200d🚀.jpg"):
        assert printable(name) == name
    assert printable(r"\x41") == r"\\x41"


def test_what_a_screen_lacks_is_escaped_as_json_reads_it() -> None:
    assert "写😀ë".encode("cp1252", "mien.escape") == rb"\u5199\ud83d\ude00" + b"\xeb"
