"""Data of the two diagrams: which room imports which, and the way of an image."""

import ast
from functools import cache
from pathlib import Path
from typing import Any, Final

from docs.tools.measured import Measured

ROOMS: Final = ("pages", "ui", "services", "cli", "training", "db", "core")
# What happens to an uploaded photo, and the module that does it; `system` tests that each exists.
STEPS: Final = (
    ("Notice is shown, consent is read", "ui/consent/session.py", "nothing before this"),
    (
        "Bytes to RGB: allow-list, caps, metadata gone",
        "core/pictures/images.py",
        "or one clear sentence",
    ),
    ("Faces are found", "core/detection/detectors/yunet.py", "nobody found is a normal answer"),
    ("Points on each face", "core/landmarks/mesh.py", "pose, opening of eyes and mouth"),
    (
        "Each face is cut as the training images are",
        "core/pictures/face_input.py",
        "one object for both",
    ),
    (
        "Seven scores, calibrated; uncertain is an answer",
        "core/expression/classify.py",
        "one batch",
    ),
    (
        "Consent is read again; kept is what was allowed",
        "services/analysis/records.py",
        "one transaction",
    ),
    ("Picture, bars, downloads; pixels go", "ui/photos/results.py", "default: nothing kept"),
)


@cache
def imports_between_rooms(root: Path) -> list[list[str]]:
    """Pairs of rooms, of which the first imports the second, as the code under `root` has it."""
    edges = set()
    for room in ROOMS:
        for file in sorted((root / room).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.ImportFrom):
                    names = [str(node.module)]
                elif isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                else:
                    continue
                edges |= {(room, name.split(".")[0]) for name in names}
    return [list(edge) for edge in sorted(edges) if edge[1] in ROOMS and edge[0] != edge[1]]


def system(measured: Measured) -> dict[str, Any]:
    """Rooms and their imports."""
    measured.needed.append("tests/test_layers.py")
    return {"rooms": list(ROOMS), "edges": imports_between_rooms(measured.root)}


def data_flow(measured: Measured) -> dict[str, Any]:
    """The steps that have a module, in order."""
    measured.needed.append("core/analyzer.py")
    missing = [module for _, module, _ in STEPS if not measured.have(module)]
    if missing:
        raise FileNotFoundError(f"the diagram names modules that are gone: {missing}")
    return {"steps": [list(step) for step in STEPS]}
