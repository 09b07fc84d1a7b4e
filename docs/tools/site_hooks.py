"""MkDocs hooks: pages that are not written yet leave the menu, links out of docs/ lead to text."""

import os
import re
from pathlib import Path
from typing import Any, Final

from docs.tools.measured import ROOT

_LINK: Final = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)]*)?\)")


def on_config(config: Any) -> Any:
    """Drop menu entries whose file does not exist, and sections that get empty."""
    config.nav = _existing(config.nav, Path(config.docs_dir))
    return config


def _existing(nav: list[Any], docs: Path) -> list[Any]:
    kept: list[Any] = []
    for entry in nav:
        title, target = next(iter(entry.items()))
        if isinstance(target, list):
            inner = _existing(target, docs)
            kept += [{title: inner}] if inner else []
        elif (docs / target).is_file():
            kept.append(entry)
    return kept


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
