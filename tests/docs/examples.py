"""The examples in docstrings: which modules hold some, run them, which classes they show."""

import doctest
import importlib
import inspect
import re

from tests.paths import ROOT

ROOMS = ("core", "db", "services", "cli", "training", "ui")


def texts() -> dict[str, str]:
    """Module -> its text, of all rooms."""
    files = [file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))]
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): (
            file.read_text("utf-8")
        )
        for file in files
    }


def modules_with_examples(*, keras: bool) -> list[str]:
    """Names of the modules that hold an example, those that import Keras or the others."""
    return [
        name for name, text in texts().items() if ">>>" in text and _imports_keras(text) == keras
    ]


def documented_modules(*, keras: bool) -> list[str]:
    """Names of the modules that the site documents, those that import Keras or the others."""
    pages = "\n".join(page.read_text("utf-8") for page in (ROOT / "docs" / "api").glob("*.md"))
    names = re.findall(r"^::: (\S+)$", pages, re.MULTILINE)
    text_of = texts()
    return [name for name in names if _imports_keras(text_of[name]) == keras]


def _imports_keras(text: str) -> bool:
    return bool(re.search(r"^(import|from) (keras|tensorflow)\b", text, re.MULTILINE))


def run_examples(module: str) -> doctest.TestResults:
    """Run all examples of a module."""
    return doctest.testmod(importlib.import_module(module), optionflags=doctest.ELLIPSIS)


def classes_without_example(module: str) -> list[str]:
    """Public classes of a module that no example of it shows.

    One is shown by an example of its own or of a method, or where an example of the module names
    it. An error that groups no others is shown by the error that groups it.
    """
    loaded = importlib.import_module(module)
    tests = [test for test in doctest.DocTestFinder().find(loaded) if test.examples]
    text = "\n".join(part.source + part.want for test in tests for part in test.examples)
    classes = [
        one
        for name, one in inspect.getmembers(loaded, inspect.isclass)
        if one.__module__ == module and not name.startswith("_")
    ]
    shown = {
        one
        for one in classes
        if any(f"{test.name}.".startswith(f"{module}.{one.__name__}.") for test in tests)
        or re.search(rf"\b{one.__name__}\b", text)
    }
    groups = {one.__base__ for one in classes}
    grouped = {
        one
        for one in classes
        if issubclass(one, Exception) and one not in groups and one.__base__ in shown
    }
    return [one.__name__ for one in classes if one not in shown | grouped]
