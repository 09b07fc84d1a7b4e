"""What the ethical analysis says stands in the code, stands there."""

import ast
import re
from pathlib import Path

import pytest

from docs.tools.measured import ROOT

ETHICS = (ROOT / "docs" / "ethics.md").read_text("utf-8")
DECISIONS = ETHICS.split("## Decisions, and where each stands")[1].split("\n## ")[0]
PLACES = re.findall(r"`([\w./-]+\.\w+)(?:::(\w+))?`", DECISIONS)


def names_in(file: Path) -> set[str]:
    """Functions, classes and constants at the top of a file."""
    names: set[str] = set()
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


@pytest.mark.parametrize(("file", "name"), PLACES)
def test_each_decision_stands_where_it_is_said_to(file: str, name: str) -> None:
    assert (ROOT / file).is_file(), f"there is no {file}"
    if name:
        assert name in names_in(ROOT / file), f"{file} has no {name}"


def test_every_decision_names_a_place() -> None:
    rows = [line for line in DECISIONS.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 15
    assert [row for row in rows if not re.search(r"`[\w./-]+\.\w+", row)] == []


def test_prohibited_uses_are_what_the_code_refuses() -> None:
    from services.person.context_of_use import CONTEXTS

    refused = {key for key, context in CONTEXTS.items() if not context.allowed}
    assert refused == {"work", "education"}
    assert "Work and education are refused" in DECISIONS


@pytest.mark.parametrize("linked", ["dpia.md", "privacy.md", "datasets.md", "fairness-wording.md"])
def test_assessment_cards_and_wording_are_linked(linked: str) -> None:
    assert f"]({linked})" in ETHICS
    assert (ROOT / "docs" / linked).is_file()


def test_each_set_has_a_card_with_terms_and_use() -> None:
    cards = (ROOT / "docs" / "datasets.md").read_text("utf-8").split("\n## ")[1:]
    found = {card.splitlines()[0]: card for card in cards}
    for name in ("FER-2013", "WIDER FACE", "HELEN", "UTKFace"):
        assert "| Terms |" in found[name], name
        assert "| Used for |" in found[name], name
