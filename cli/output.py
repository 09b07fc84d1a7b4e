"""What several commands do with their results: files written, things counted in words."""

import sys
from pathlib import Path

import typer


def write_text(text: str, out: Path | None) -> None:
    """Write a file that the user named; to the screen where none was.

    Raises:
        typer.BadParameter: if it cannot be written; the message says why.
    """
    if out is None:
        sys.stdout.write(text)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise typer.BadParameter(f"{out} cannot be written: {exc.strerror}") from exc


def counted(number: int, word: str) -> str:
    """A number with its word.

    Example:
        >>> counted(1, "file"), counted(1200, "file")
        ('1 file', '1,200 files')
    """
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
