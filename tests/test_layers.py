"""Who may import whom (docs: ARCHITECTURE, "Imports go one way")."""

import ast
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.paths import ROOT

# Room -> rooms it may import besides itself. Nobody imports pages: the router names their files.
MAY_IMPORT = {
    "Home": {"ui", "services", "core"},
    "serve": {"ui", "services", "core"},
    "pages": {"ui", "services", "core"},
    "ui": {"services", "core"},
    "services": {"db", "core"},
    "cli": {"services", "core", "training"},
    "db": {"core"},
    "training": {"core"},
    "docs": {"core", "training"},  # tools that render documents; recipes are among what they show
    "core": set(),
}
# Library -> beginnings of the paths where it may be imported.
HOME_OF = {
    "streamlit": ("Home.py", "serve.py", "pages/", "ui/"),
    "aiortc": ("services/analysis/webrtc.py", "cli/measure/bench_live.py"),
    "sqlalchemy": ("db/",),
    "alembic": ("db/",),
    "tensorflow": ("training/",),
    "keras": ("training/",),
    "torch": ("training/",),
    "prometheus_client": ("services/operations/prometheus.py", "services/operations/probes.py"),
    # The last one reads a model's file and runs nothing.
    "ai_edge_litert": (
        "core/expression/classify.py",
        "core/detection/",
        "training/publishing/litert_weights.py",
    ),
}


def imports() -> Iterator[tuple[str, str, bool]]:
    """File, imported module and whether it is imported lazily, for all of ours."""
    for file in sorted(ROOT.glob("*.py")) + [
        p for r in MAY_IMPORT for p in ROOT.glob(f"{r}/**/*.py")
    ]:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        lazy = {
            id(inner)
            for outer in ast.walk(tree)
            if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef)
            for inner in ast.walk(outer)
        }
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file}: relative import"
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            for name in names:
                yield file.relative_to(ROOT).as_posix(), name, id(node) in lazy


def test_imports_go_one_way() -> None:
    wrong = []
    for file, name, lazy in imports():
        room, target = file.removesuffix(".py").split("/")[0], name.split(".")[0]
        if target in MAY_IMPORT:
            allowed = target in MAY_IMPORT[room] or (target == room and room != "pages")
            if room == "db" and target == "core":
                allowed = name.startswith(("core.types.", "core.errors."))
            if room == "cli" and target == "training":
                allowed = lazy
        else:
            allowed = target not in HOME_OF or file.startswith(HOME_OF[target])
        if not allowed:
            wrong.append(f"{file} imports {name}")
    assert wrong == []


def modules_after(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after `statement`."""
    code = f"import sys; {statement}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


TRAINERS = {"tensorflow", "keras", "torch", "streamlit", "sqlalchemy", "alembic"}


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import core.types", TRAINERS | {"mediapipe", "cv2", "sklearn", "pandas", "PIL"}),
        ("import core.pictures.images", TRAINERS | {"mediapipe", "sklearn", "pandas"}),
        ("import core.analyzer", TRAINERS | {"sklearn", "pandas"}),
        ("import core.measures.evaluation", TRAINERS),
        ("import cli.main", TRAINERS | {"mediapipe", "cv2", "sklearn", "pandas"}),
    ],
)
def test_an_import_loads_nothing_that_it_does_not_need(statement: str, absent: set[str]) -> None:
    assert modules_after(statement) & absent == set()


def test_every_room_is_in_the_table() -> None:
    packages = {file.parent.name for file in ROOT.glob("*/__init__.py")} - {"tests"}
    assert packages <= set(MAY_IMPORT)
