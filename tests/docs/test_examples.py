"""The examples in docstrings run, and those that a script would call first have one."""

import doctest
import importlib

import pytest

from tests.paths import ROOT

ROOMS = ("core", "db", "services", "cli")
MODULES = [
    file.relative_to(ROOT).with_suffix("").as_posix().removesuffix("/__init__").replace("/", ".")
    for room in ROOMS
    for file in sorted((ROOT / room).rglob("*.py"))
    if ">>>" in file.read_text("utf-8")
]
FIRST = {
    "core.config": ("load_settings",),
    "core.pictures.images": ("decode_image", "PictureLimits"),
    "core.landmarks.mesh": ("FaceLandmarker",),
    "core.stream.pipeline": ("StreamAnalyzer",),
    "core.measures.paired": ("mcnemar",),
    "core.measures.detection.matching": ("precision_recall",),
    "core.measures.groups.gaps": ("gap_between", "holm"),
    "db.store": ("open_store",),
    "core.detection": ("create_detector", "for_photos"),
    "core.detection.boxes": ("ious",),
    "core.analyzer": ("create_analyzer", "Analyzer"),
    "core.drawing.photo": ("draw_analysis",),
    "core.expression.classify": ("EmotionClassifier",),
    "core.pictures.face_input": ("FaceInput",),
    "core.types": ("Box", "Face", "Landmarks", "EmotionScores", "Answer"),
    "core.measures.accuracy": ("measure", "wilson_interval"),
    "core.measures.curves": ("Predictions",),
    "core.measures.datasets": ("load_labelled",),
    "core.measures.evaluation": ("evaluate",),
    "core.measures.corruptions": ("corrupt",),
    "core.expression.explain": ("explain",),
    "core.expression.conformal": ("ConformalFit",),
    "core.expression.model_card": ("load_card",),
    "core.pictures.archive": ("open_zip",),
    "services.analysis.photos": ("analyse_bytes",),
    "services.person.consent": ("give",),
}


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert found.attempted > 0
    assert found.failed == 0


@pytest.mark.parametrize("name", FIRST)
def test_what_a_script_calls_first_shows_how(name: str) -> None:
    module = importlib.import_module(name)
    assert [one for one in FIRST[name] if ">>>" not in (getattr(module, one).__doc__ or "")] == []
