"""The files that documents are rendered from, in another place, where a test may change them."""

import shutil
from pathlib import Path

from docs.tools.measured import ROOT


def copy_of_sources(folder: Path) -> Path:
    """Everything small that documents read: code, laws, literature, measured files."""
    for room in (
        "core",
        "db",
        "docs/performance",
        "docs/report",
        "services",
        "ui",
        "training",
        "cli",
        "pages",
    ):
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    large = ("*.tflite", "*.task", "*.onnx", "ibug_from_mesh.npz")
    shutil.copytree(ROOT / "models", folder / "models", ignore=shutil.ignore_patterns(*large))
    for file in ROOT.glob("docs/*.md"):
        shutil.copy(file, folder / "docs")
    (folder / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "test_layers.py", folder / "tests")
    return folder
