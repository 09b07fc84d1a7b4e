"""The examples of the modules that import Keras; the others' are in tests/docs."""

import pytest

pytest.importorskip("keras", reason="needs the train extra (uv sync --extra train)")

from tests.docs.examples import (
    classes_without_example,
    documented_modules,
    modules_with_examples,
    run_examples,
)

pytestmark = pytest.mark.train


@pytest.mark.parametrize("name", modules_with_examples(keras=True))
def test_the_examples_of_a_module_run(name: str) -> None:
    found = run_examples(name)
    assert found.attempted > 0
    assert found.failed == 0


@pytest.mark.parametrize("name", documented_modules(keras=True))
def test_an_example_shows_each_class_of_a_documented_module(name: str) -> None:
    assert classes_without_example(name) == []
