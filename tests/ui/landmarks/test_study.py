import json
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.paths import ROOT
from tests.ui.landmarks.test_page import text_of
from ui.landmarks.figures import change_dots, flat, noise_lines

OpenPage = Callable[[str], AppTest]


def open_study(app: AppTest) -> AppTest:
    app = app.segmented_control(key="landmark_page_view").set_value("What the study found").run()
    assert not app.exception
    return app


def test_a_missing_study_names_its_command(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.landmarks.study.read_json", lambda file: None)
    app = open_study(open_page("landmark_analysis"))
    assert "mien study landmarks" in app.info[0].value


def test_every_part_of_the_study_is_shown(open_page: OpenPage) -> None:
    if not (ROOT / "models" / "studies" / "landmarks.json").exists():
        pytest.skip("models/studies/landmarks.json has not been made")
    from ui.landmarks.study import PARTS

    app = open_study(open_page("landmark_analysis"))
    for part in PARTS:
        app = app.segmented_control(key="study_part").set_value(part).run()
        assert not app.exception
        text = text_of(app)
        assert "What it shows." in text
        assert "How to read it" in text
        assert "95 %" in text


def test_a_study_of_another_model_says_so(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = ROOT / "models" / "studies" / "landmarks.json"
    if not file.exists():
        pytest.skip("models/studies/landmarks.json has not been made")
    content = json.loads(file.read_text())
    content["model"]["sha256"] = "0" * 64
    monkeypatch.setattr("ui.landmarks.study.read_json", lambda file: content)
    app = open_study(open_page("landmark_analysis"))
    assert "another version of the model" in app.warning[0].value


def rows() -> list[dict[str, Any]]:
    shared = {"set": "FER-2013 test", "aligned_by": "five", "n": 10}
    return [
        {**shared, "noise": "exact", "level": 0.0, "accuracy": 0.7, "accuracy_ci95": [0.6, 0.8]},
        *(
            {
                **shared, "noise": kind, "level": level, "accuracy": 0.5,
                "accuracy_ci95": [0.4, 0.6], "change": -0.2, "change_ci95": [-0.3, -0.1],
                "p_value": 0.01, "p_holm": 0.04 if level < 0.1 else 0.5,
            }
            for kind in ("gaussian", "bias")
            for level in (0.01, 0.16, 1.0)
        ),
    ]  # fmt: skip


def test_noise_lines_start_at_the_exact_points_and_leave_out_the_full_swap() -> None:
    figure = noise_lines(rows(), "accuracy", "accuracy")
    assert [trace.name for trace in figure.data] == ["gaussian", "bias"]
    assert list(figure.data[0].x) == ["0%", "1%", "16%"]
    assert list(figure.data[0].y) == [0.7, 0.5, 0.5]


def test_changes_within_chance_are_hollow() -> None:
    figure = change_dots(rows()[1:], "level")
    assert [trace.marker.symbol for trace in figure.data] == ["circle", "circle-open"]


def test_long_names_leave_room_for_the_changes_on_a_phone() -> None:
    long = [{**row, "level": "both – pixels, validation"} for row in rows()[1:]]
    figure = change_dots(long, "level")
    assert {name for trace in figure.data for name in trace.y} == {"both – pixels,<br>validation"}
    assert set(figure.layout.yaxis.categoryarray) == {"both – pixels,<br>validation"}
    assert long[0]["level"] == "both – pixels, validation", "the table below keeps the name"


def test_tables_have_intervals_in_two_columns() -> None:
    table = flat(rows())
    assert {"accuracy_ci95_low", "accuracy_ci95_high"} <= set(table.columns)
    assert len(table) == len(rows())
