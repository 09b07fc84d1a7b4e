"""What several commands do with their results: files written, things counted in words."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_MIN_WIDTH = 160


def write_text(text: str, out: Path | None) -> None:
    """Write a file that the user named; to the screen where none was.

    Raises:
        OutputError: it cannot be written; what was computed is on the screen then.
    """
    from core.pictures.files.output import OutputError, write_output

    if out is not None:
        try:
            write_output(out, text)
            return
        except OutputError:
            sys.stdout.write(text)
            raise
    sys.stdout.write(text)


def check_out(out: Path | None, *sources: Path) -> None:
    """Refuse a place that cannot be written, or holds what is judged, before the work begins.

    A slip such as `--out *.jpg` must not cost anybody a photo.

    Raises:
        OutputError: if it cannot be written, is one of `sources`, a picture or a video.
    """
    from core.pictures.files.kinds import is_photo_name, is_video_name
    from core.pictures.files.names import printable
    from core.pictures.files.output import OutputError, check_output
    from core.pictures.files.walk import is_file

    if out is None:
        return
    is_source = is_file(out) and any(is_file(one) and out.samefile(one) for one in sources)
    if is_source or (is_file(out) and (is_photo_name(out.name) or is_video_name(out.name))):
        raise OutputError(
            f"{printable(str(out))} is not overwritten: it is "
            f"{'what is read' if is_source else 'a picture or a video'}. Name another --out."
        )
    check_output(out)


def say(notes: Sequence[str]) -> None:
    """Tell people what was noticed, apart from the result."""
    for note in notes:
        if note:
            print(f"mien: {note}", file=sys.stderr)


def wide_console() -> Any:
    """A console that cuts no figure: a pipe has no width, and a narrow window wraps lines.

    It prints what it is given: a group called "[adult]" is no markup.
    """
    from rich.console import Console

    console = Console(markup=False, emoji=False)
    console.width = max(console.width, _MIN_WIDTH)
    return console


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[float, float], None]]:
    """A bar on the terminal; the block's value is told what is done and how much there is."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(escape(title), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def n_cores() -> int:
    """Cores that this process may use; macOS only knows all of them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def counted(number: int, word: str) -> str:
    """A number with its word.

    Examples:
        >>> counted(1, "file"), counted(1200, "file")
        ('1 file', '1,200 files')
    """
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
