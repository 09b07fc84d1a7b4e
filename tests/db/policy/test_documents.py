"""Documents about data say what the tables say."""

import re

import pytest

from db.audit.log import Action
from db.tables import Base
from tests.paths import ROOT

DOCS = ROOT / "docs"
TABLES = Base.metadata.tables
PERSONAL = {
    name: {column.name for column in table.columns if column.info.get("personal")}
    for name, table in TABLES.items()
}


def quoted(words: str) -> set[str]:
    return set(re.findall(r"`([^`\s]+)`", words))


def test_the_register_names_every_table_and_every_personal_column() -> None:
    words = (DOCS / "processing-register.md").read_text("utf-8")
    rows = [line for line in words.splitlines() if line.startswith("| `")]
    named = {line.split("|")[1].strip().strip("`") for line in rows}
    personal = {f"{table}.{column}" for table, columns in PERSONAL.items() for column in columns}
    assert named == set(TABLES) | personal


def test_the_impact_assessment_names_the_same_columns() -> None:
    words = (DOCS / "dpia.md").read_text("utf-8")
    listed = {}
    for line in words.splitlines():
        if line.startswith("| `"):
            _, table, columns, _ = line.split("|")
            listed[table.strip().strip("`")] = quoted(columns)
    assert listed == {table: columns for table, columns in PERSONAL.items() if columns}


def test_columns_that_point_to_persons_are_marked() -> None:
    marked = {"subject_id", "code_hash", "sealed_name", "sealed_result", "analysis_id"}
    for name, table in TABLES.items():
        for column in table.columns:
            if column.name in marked:
                assert column.name in PERSONAL[name], f"{name}.{column.name}"
    assert PERSONAL["audit_event"] == PERSONAL["consent_event"] == set()


def test_each_audit_action_is_explained_and_no_other() -> None:
    words = (DOCS / "privacy.md").read_text("utf-8")
    section = words.split("| Action | When |")[1].split("\n\n")[0]
    assert quoted(section) == {action.value for action in Action}


@pytest.mark.parametrize(("letter", "last"), [("A", 22), ("E", 9)])
def test_each_requirement_is_accounted_for_once(letter: str, last: int) -> None:
    words = (DOCS / "privacy.md").read_text("utf-8")
    lines = [line for line in words.splitlines() if re.match(rf"\| {letter}\d", line)]
    cells = " ".join(line.split("|")[1] for line in lines)
    spans = re.findall(rf"{letter}(\d+)(?:–{letter}(\d+))?", cells)
    named = [n for low, high in spans for n in range(int(low), int(high or low) + 1)]
    assert sorted(named) == [*range(1, last + 1)]


def test_the_tests_that_privacy_names_exist() -> None:
    words = (DOCS / "privacy.md").read_text("utf-8")
    tests = DOCS.parent / "tests"
    rooms = "cli|core|db|e2e|services|ui"
    named = re.findall(rf"\b(?:{rooms})/(?:test_\w+|crash_run\.py)", words)
    assert named
    for name in named:
        assert (tests / name).with_suffix(".py").exists(), name
