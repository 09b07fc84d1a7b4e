"""The examples in docstrings run; the site's classes and what a script calls first have one.

Those of the modules that import Keras are in tests/training.
"""

import importlib
import re

import pytest

from tests.docs.examples import (
    classes_without_example,
    documented_modules,
    modules_with_examples,
    run_examples,
    texts,
)

# Functions, and what is called first but stands on no page of the site.
FIRST = {
    "core.config": ("load_settings",),
    "core.emotions": ("label_index",),
    "core.pictures.images": ("decode_image",),
    "core.landmarks.schemes": ("convert",),
    "core.measures.paired": ("mcnemar",),
    "core.measures.detection.matching": ("precision_recall",),
    "core.measures.groups.gaps": ("gap_between", "holm"),
    "db.store": ("open_store",),
    "core.detection": ("create_detector", "for_photos"),
    "core.detection.boxes": ("ious",),
    "core.analyzer": ("create_analyzer",),
    "core.drawing.photo": ("draw_analysis",),
    "core.measures.accuracy": ("measure", "wilson_interval"),
    "core.measures.datasets": ("load_labelled",),
    "core.measures.evaluation": ("evaluate",),
    "core.measures.corruptions": ("corrupt",),
    "core.expression.explain": ("explain",),
    "core.expression.conformal": ("ConformalFit",),
    "core.expression.model_card": ("load_card",),
    "core.pictures.archive": ("open_zip",),
    "services.analysis.photos": ("analyse_bytes",),
    "services.analysis.records": ("record_analysis",),
    "services.person.consent": ("give",),
    "training.data.fer2013": ("load_split",),
    "training.recipes.catalogue": ("load_recipe",),
}


@pytest.mark.parametrize("name", modules_with_examples(keras=False))
def test_the_examples_of_a_module_run(name: str) -> None:
    found = run_examples(name)
    assert found.attempted > 0
    assert found.failed == 0


@pytest.mark.parametrize("name", documented_modules(keras=False))
def test_an_example_shows_each_class_of_a_documented_module(name: str) -> None:
    assert classes_without_example(name) == []


@pytest.mark.parametrize("name", FIRST)
def test_what_a_script_calls_first_shows_how(name: str) -> None:
    module = importlib.import_module(name)
    assert [one for one in FIRST[name] if ">>>" not in (getattr(module, one).__doc__ or "")] == []


def test_examples_stand_under_the_heading_that_the_site_takes_for_code() -> None:
    # Under `Example:` it takes `>>>` for quotations in quotations.
    heading = re.compile(r"^ *Example:$", re.MULTILINE)
    assert [name for name, text in texts().items() if heading.search(text)] == []
