"""Writes docs/licences.md, the licences of all packages that Mien runs with: `make licences`.

The names and versions are those of requirements.txt, so of the lock; the licences are read from
the installed packages' own metadata.
"""

import importlib.metadata
import re
import tomllib
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "licences.md"
PINNED: Final = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)(?:\s*;\s*(.*?))?(?: \\)?$")
HEAD: Final = Path(__file__).with_name("licences.head.md")
KNOWN: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


def pinned() -> dict[str, tuple[str, str]]:
    """Package -> version and marker, from requirements.txt."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    found = (PINNED.match(line) for line in lines)
    return {match[1]: (match[2], match[3] or "") for match in found if match is not None}


def licence(name: str) -> str:
    """SPDX expression of an installed package.

    Raises:
        importlib.metadata.PackageNotFoundError: it is not installed.
    """
    metadata = importlib.metadata.metadata(name)
    expression = metadata.get("License-Expression")
    if expression:
        return expression
    classifiers = [
        entry.rpartition(" :: ")[2]
        for entry in metadata.get_all("Classifier") or []
        if entry.startswith("License :: ") and not entry.endswith("OSI Approved")
    ]
    # A whole licence text may stand there; its first line names it.
    text = (metadata.get("License") or "").strip().split("\n")[0]
    found = [KNOWN["spdx"].get(entry.lower(), entry) for entry in classifiers or [text]]
    return " OR ".join(sorted(set(found))) or "unknown"


def page() -> str:
    """The text of docs/licences.md; packages of other systems keep their row without licence."""
    rows = []
    for name, (version, marker) in pinned().items():
        try:
            words = licence(name)
        except importlib.metadata.PackageNotFoundError:
            words = KNOWN["elsewhere"].get(name) or f"not installed here (`{marker}`)"
        rows.append(f"| {name} | {version} | {words} |")
    return HEAD.read_text("utf-8") + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
