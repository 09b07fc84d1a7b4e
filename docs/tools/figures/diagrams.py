"""Data of the diagrams: who imports whom, by room and by folder, and the way of an image."""

import ast
import tomllib
from collections.abc import Sequence
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Final

from docs.tools.measured import Measured

ROOMS: Final = ("pages", "ui", "cli", "services", "training", "db", "core")
_ROOM: Final = tuple(f"{room}/" for room in ROOMS)
_IMPORTS: Final = (ast.Import, ast.ImportFrom)
_STEPS: Final = Path(__file__).with_name("steps.toml")


@cache
def imports_between(root: Path) -> frozenset[tuple[str, str]]:
    """Pairs of folders as `core/pictures`, of which the first imports the second, lazily or not.

    A file that lies in a room itself stands for a folder: `core/types`.
    """
    edges = set()
    for room in ROOMS:
        for file in sorted((root / room).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, _IMPORTS) else []
                if isinstance(node, ast.ImportFrom):
                    names = [f"{node.module}.{name}" for name in names]
                own = _folder(file.relative_to(root).with_suffix("").parts)
                edges |= {(own, _folder(name.split("."))) for name in names}
    return frozenset((a, b) for a, b in edges if b.startswith(_ROOM) and "/" in a and a != b)


def _folder(parts: Sequence[str]) -> str:
    return "/".join(part for part in parts[:2] if part != "__init__")


def system(measured: Measured) -> dict[str, Any]:
    """Rooms and their imports."""
    measured.needed.append("tests/test_layers.py")
    rooms = {tuple(f.partition("/")[0] for f in edge) for edge in imports_between(measured.root)}
    return {"rooms": list(ROOMS), "edges": sorted([a, b] for a, b in rooms if a != b)}


def imports(measured: Measured) -> dict[str, Any]:
    """Folders, each above all that it imports, and the places of those in the list.

    Raises:
        graphlib.CycleError: if imports go round in a circle.
    """
    measured.needed.append("tests/test_layers.py")
    below: dict[str, list[str]] = {}
    for folder, imported in sorted(imports_between(measured.root)):
        below.setdefault(folder, []).append(imported)
    order = list(TopologicalSorter(below).static_order())[::-1]
    order.sort(key=lambda folder: ROOMS.index(folder.partition("/")[0]))  # keeps the order within
    at = {folder: place for place, folder in enumerate(order)}
    edges = sorted([at[a], at[b]] for a, b in imports_between(measured.root))
    return {"folders": order, "edges": edges}


def data_flow(measured: Measured) -> dict[str, Any]:
    """The steps that have a module, in order."""
    measured.needed.append("core/analyzer.py")
    steps = tomllib.loads(_STEPS.read_text("utf-8"))["step"]
    missing = [step["module"] for step in steps if not measured.have(step["module"])]
    if missing:
        raise FileNotFoundError(f"the diagram names modules that are gone: {missing}")
    return {"steps": [[step["what"], step["module"], step["remark"]] for step in steps]}
