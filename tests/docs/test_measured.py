"""Looking figures up, and writing them."""

import json
from pathlib import Path

import pytest

from docs.tools.measured import Measured, UnknownFigureError, constant, dig, shown
from docs.tools.render import gather_marks, render
from tests.docs.figures import alike
from tests.paths import ROOT

CONTENT = {"all": {"accuracy": 0.70334, "ci": [0.68, 0.72]}, "rows": [{"name": "a b", "n": 3}]}


@pytest.mark.parametrize(
    ("key", "expected"),
    [("all.accuracy", 0.70334), ("all.ci[1]", 0.72), ("rows[name=a b].n", 3), ("rows[0].n", 3)],
)
def test_a_figure_is_found_under_its_key(key: str, expected: float) -> None:
    assert dig(CONTENT, key) == expected


@pytest.mark.parametrize("key", ["all.recall", "rows[name=c].n", "all.ci[2]"])
def test_a_key_that_a_file_lacks_is_an_error(key: str) -> None:
    with pytest.raises(UnknownFigureError, match="has nothing under"):
        dig(CONTENT, key, "x.json")


@pytest.mark.parametrize(
    ("value", "spec", "expected"),
    [
        (0.70334, ".1%", "70.3\u00a0%"), (28709, ",", "28,709"), (-0.0804, "pp", "−8.0"),
        (-0.0001, "pp", "0.0"), (0.031, "pp", "+3.1"), (5400.0, "hours", "1.5"), ("x", ",", "x"),
    ],
)  # fmt: skip
def test_figures_are_written_one_way(value: float, spec: str, expected: str) -> None:
    assert shown(value, spec) == expected


def test_constants_are_read_from_the_code(tmp_path: Path) -> None:
    file = tmp_path / "some.py"
    file.write_text(
        "A = 7\nclass S:\n    b: int = Field(default=8, ge=1)\n    c: float = 0.5\nD = f()\n"
    )
    assert [constant(file, name) for name in ("A", "S.b", "S.c")] == [7, 8, 0.5]
    with pytest.raises(UnknownFigureError, match="defines no E"):
        constant(file, "E")


def test_marks_gather_at_the_end_of_paragraph_item_and_row() -> None:
    text = (
        "A 1\x022\x03 and 2\x022\x03 and 3\x025\x03.\n\n- b\x021\x03 c\n- d\n\n| e\x021\x03 | f |"
    )
    assert gather_marks(text) == (
        "A 1 and 2 and 3. <sup>[2](#source-2), [5](#source-5)</sup>\n\n"
        "- b c <sup>[1](#source-1)</sup>\n- d\n\n| e | f <sup>[1](#source-1)</sup> |"
    )


def test_a_missing_file_gives_a_sentence_and_a_present_one_its_own_command(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "config.py").write_text('class Settings:\n    default_model = "toy"\n')
    (tmp_path / "x.json").write_text(json.dumps({**CONTENT, "command": "mien x"}))
    template = tmp_path / "t.md"
    template.write_text(
        "{{ number('x.json', 'all.accuracy', '.1%') }}, "
        "{{ number('models/studies/speed.json', 'runs') }}\n\n{{ sources() }}\n"
    )
    text = render(template, "figures", tmp_path)
    assert "70.3\u00a0%, *not measured yet: run `mien bias speed`* <sup>[1]" in text
    assert "| `x.json` | `mien x` |" in text
    assert Measured(tmp_path).default_model == "toy"


def test_models_too_heavy_to_ship_are_apart_and_the_best_come_first(tmp_path: Path) -> None:
    for folder, accuracy in (("a", 0.6), ("b", 0.7), ("unshipped/c", 0.65)):
        file = tmp_path / "models" / folder / "evaluation.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps({"all": {"accuracy": accuracy}}))
    (tmp_path / "models" / "detector").mkdir()
    (tmp_path / "models" / "detector" / "evaluation.json").write_text('{"ap50": 0.5}')
    measured = Measured(tmp_path)
    assert measured.expression_models() == ["b", "a"]
    assert measured.all_expression_models() == ["b", "unshipped/c", "a"]
    assert measured.detectors() == ["detector"]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"a": [1.0, "x"]}, {"a": [1.00001, "x"]}, True),
        ({"a": [1.0]}, {"a": [1.01]}, False),
        ({"a": [1.0]}, {"a": [1.0, 2.0]}, False),
        ({"a": None}, {"a": 0.0}, False),
        ({"a": "x"}, {"b": "x"}, False),
    ],
)
def test_figures_are_compared_by_their_data(one: object, other: object, expected: bool) -> None:
    assert alike(one, other) is expected


def test_the_readme_tells_of_the_peer_what_was_measured_beside_ours() -> None:
    peer = json.loads((ROOT / "docs/performance/peers.json").read_text("utf-8"))["rows"]["fer"]
    readme = " ".join((ROOT / "README.md").read_text("utf-8").split())
    assert f"from PyPI is right in {peer['accuracy']:.1%}".replace("%", " %") in readme
    assert f"says what people say in {peer['clear_agreement']:.1%}".replace("%", " %") in readme
