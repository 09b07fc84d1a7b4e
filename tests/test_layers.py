"""Who may import whom, what lies in a folder, and that nothing goes round in circles."""

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.paths import ROOT

# Room -> rooms it may import besides itself. Nobody imports pages: the router names their files.
MAY_IMPORT = {
    "Home": {"ui", "services", "core"},
    "serve": {"ui", "services", "core"},
    "pages": {"ui", "services", "core"},
    "ui": {"services", "core", "db"},  # of db the types and errors
    "services": {"db", "core"},
    "cli": {"services", "core", "training"},
    "mien": {"cli"},
    "db": {"core"},
    "training": {"core"},
    "docs": {"core", "training"},  # tools that render documents; recipes are among what they show
    "core": set(),
}
# Who may take from a room no more than this.
ONLY = {
    ("db", "core"): ("core.types", "core.errors"),
    ("ui", "db"): ("db.types", "db.errors"),
}
# Room -> its folders and files, each of which may import those before it and not those after.
INSIDE = {
    "core": (
        "errors emotions types pictures config detection landmarks expression stream drawing "
        "analyzer measures"
    ),
    "db": "errors types seal tables audit database unit policy store consent admins views",
    "services": "observe store person analysis bias_audit batch operations admin",
    "ui": "shared runtime faces photos consent metrics landmarks webcam privacy admin home",
    "training": "recipes architectures data expression publishing detector landmarks fits studies",
    "cli": "options output bench_material photos measure training operate main",
    "docs": "tools make_screenshots",
}
MOST_ENTRIES = 12  # of a folder of code: more are several ideas
TO_BE_FOLDED: dict[str, int] = {}
# Library -> beginnings of the paths where it may be imported.
HOME_OF = {
    "streamlit": ("Home.py", "serve.py", "pages/", "ui/"),
    "streamlit_webrtc": ("Home.py", "pages/", "ui/", "cli/measure/bench_live.py"),
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


@cache
def code() -> dict[str, str]:
    """Module -> file, of all that git knows or will know."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    files = [file for file in listed.stdout.split() if (ROOT / file).exists()]
    return {file[:-3].replace("/", ".").removesuffix(".__init__"): file for file in files}


@cache
def imports() -> list[tuple[str, str, bool]]:
    """File, imported name and whether it is imported lazily, for all of ours."""
    return [found for file in code().values() for found in imports_of(file)]


def imports_of(file: str) -> Iterator[tuple[str, str, bool]]:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
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
            yield file, name, id(node) in lazy


def module_of(name: str) -> str | None:
    """The module of ours that an imported name lies in."""
    while name and name not in code():
        name = name.rpartition(".")[0]
    return name or None


def room_of(file: str) -> str:
    return file.removesuffix(".py").split("/")[0]


def test_imports_go_one_way_between_rooms() -> None:
    wrong = []
    for file, name, lazy in imports():
        room, target = room_of(file), name.split(".")[0]
        if room not in MAY_IMPORT:  # tests and benchmarks import what they like
            continue
        if target in MAY_IMPORT:
            allowed = target in MAY_IMPORT[room] or (target == room and room != "pages")
            if only := ONLY.get((room, target)):
                allowed = name.startswith(only)
            if room == "cli" and target == "training":
                allowed = lazy
        else:
            allowed = target not in HOME_OF or file.startswith(HOME_OF[target])
        if not allowed:
            wrong.append(f"{file} imports {name}")
    assert wrong == []


def test_imports_go_one_way_inside_each_room() -> None:
    wrong = []
    for file, name, _ in imports():
        room, target = room_of(file), module_of(name)
        if room not in INSIDE or target is None or target == room:
            continue
        if not target.startswith(f"{room}."):
            continue
        own = file.removesuffix(".py").split("/")[1]
        other = target.split(".")[1]
        if own == "__init__":
            continue
        order = INSIDE[room].split()
        if own not in order:
            wrong.append(f"{room}/{own} has no place in the table")
        elif other not in order or order.index(other) > order.index(own):
            wrong.append(f"{file} imports {name}, which lies above it")
    assert wrong == []


def test_no_files_import_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = defaultdict(set)
    for file, name, _ in imports():
        target = module_of(name)
        if target is not None and code()[target] != file:
            graph[file].add(code()[target])
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" -> ".join(circle.args[1]))


def test_a_folder_of_code_is_one_idea() -> None:
    entries: dict[str, set[str]] = defaultdict(set)
    for file in code().values():
        parts = file.split("/")
        for depth in range(1, len(parts)):
            entries["/".join(parts[:depth])].add(parts[depth])
    counts = {folder: len(e - {"__init__.py", "conftest.py"}) for folder, e in entries.items()}
    assert {
        folder: n for folder, n in counts.items() if n > TO_BE_FOLDED.get(folder, MOST_ENTRIES)
    } == {}


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
        ("import core.measures.evaluation", TRAINERS | {"sklearn", "scipy"}),
        ("import cli.measure.models", TRAINERS | {"mediapipe", "cv2", "sklearn", "pandas"}),
        ("import core.measures.corruptions", TRAINERS | {"mediapipe", "sklearn", "pandas"}),
        ("import cli.main", TRAINERS | {"mediapipe", "cv2", "sklearn", "pandas"}),
    ],
)
def test_an_import_loads_nothing_that_it_does_not_need(statement: str, absent: set[str]) -> None:
    assert modules_after(statement) & absent == set()


def test_every_room_is_in_the_table() -> None:
    packages = {file.parent.name for file in ROOT.glob("*/__init__.py")} - {"tests"}
    assert packages <= set(MAY_IMPORT)
