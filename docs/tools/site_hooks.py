"""MkDocs hook: links out of docs/ lead to text."""

import os
import re
from pathlib import Path
from typing import Any, Final

from docs.tools.measured import ROOT

_LINK: Final = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)]*)?\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links to files outside docs/ become their path; such files are checked to exist."""
    folder = Path(page.file.abs_src_path).parent

    def replace(found: re.Match[str]) -> str:
        words, target = found[1], found[2]
        file = Path(os.path.normpath(folder / target))
        if file.is_relative_to(ROOT / "docs") or not file.exists():
            return found[0]
        return f"{words} (`{file.relative_to(ROOT).as_posix()}`)" if "`" not in words else words

    return _LINK.sub(replace, markdown)
