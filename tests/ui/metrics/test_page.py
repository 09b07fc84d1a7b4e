"""Model Metrics: every section opens, figures are those of the files, charts carry their data."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score
from streamlit.testing.v1 import AppTest

from core.emotions import EMOTIONS
from core.expression.model_card import model_ids
from core.measures.curves import (
    confusion_counts,
    coverage_accuracy,
    load_predictions,
    precision_recall_curves,
    reliability,
    roc_curves,
)
from core.measures.groups.breakdown import Attribute, BiasReport, Outcome, expression_breakdown
from core.measures.groups.gaps import Gap, GroupShare
from core.measures.groups.mixing import association
from core.measures.groups.wording import gap_sentence, summary_rows
from tests.core.measures.test_curves import made_up
from tests.helpers.agree import agree
from tests.paths import ROOT
from ui.metrics import charts as metrics_charts
from ui.metrics import subjects as metrics_parts
from ui.metrics.page import SECTIONS
from ui.shared import charts
from ui.shared.text import plain

OpenPage = Callable[[str], AppTest]


def go_to(app: AppTest, section: str) -> AppTest:
    app.session_state["metrics_section"] = section
    app = app.run()
    assert not app.exception, app.exception
    return app


@pytest.mark.parametrize("model_id", model_ids(ROOT / "models"))
def test_every_section_opens_for_every_model(open_page: OpenPage, model_id: str) -> None:
    app = open_page("model_metrics")
    for section in SECTIONS:
        app.session_state["metrics_model"] = model_id
        app.session_state["metrics_models"] = [model_id]
        app = go_to(app, section)
        assert app.title[0].value == "Model Metrics"
        assert not app.error
        assert not any(re.search(r"\bnan\b", text.value) for text in app.markdown)


def test_models_are_compared_by_what_people_say_or_by_the_labels(
    open_page: OpenPage, models_dir: Path
) -> None:
    """Both figures are the evaluation's own, which counts them another way."""
    stored = {
        name: json.loads((models_dir / name / "evaluation.json").read_text())
        for name in model_ids(models_dir)
    }
    agreed = {
        name: report["people"]["clear_agreement"]
        for name, report in stored.items()
        if "people" in report
    }
    right = {name: report["all"]["accuracy"] for name, report in stored.items()}
    app = go_to(open_page("model_metrics"), "Compare")
    for judge, by_model in (("what people say", agreed), ("FER-2013's labels", right)):
        app = app.segmented_control(key="compare_by").set_value(judge).run()
        assert not app.exception
        best = max(by_model, key=lambda name: by_model[name])
        says = f"By {judge} {best} is right most often ({100 * by_model[best]:.1f}\u00a0%)"
        assert any(plain(says) in text.value for text in app.markdown), says


def test_the_overview_shows_the_accuracy_of_the_stored_predictions(
    open_page: OpenPage, models_dir: Path
) -> None:
    app = go_to(open_page("model_metrics"), "Overview")
    model = app.multiselect(key="metrics_models").value[0]
    stored = load_predictions(models_dir / model)
    assert stored is not None
    accuracy = f"{100 * accuracy_score(stored.labels, stored.predicted):.1f}\u00a0%"
    people = json.loads((models_dir / model / "evaluation.json").read_text())["people"]
    said = f"{100 * people['clear_agreement']:.1f}\u00a0%"
    points = points_of(app)
    assert f"{model} says the same in {said}" in points[0]
    assert f"{model} is right in {accuracy}" in points[1]
    tables = [frame.value for frame in app.dataframe if "figure" in frame.value.columns]
    assert tables[0].set_index("figure").iloc[0][model].startswith(said)
    assert tables[1].set_index("figure").loc["accuracy", model].startswith(accuracy)


def test_stored_predictions_give_the_published_report(models_dir: Path) -> None:
    """Half precision may move a tie, so a count or two in thousands may differ."""
    for model in model_ids(models_dir):
        stored = load_predictions(models_dir / model)
        report = json.loads((models_dir / model / "evaluation.json").read_text())
        assert stored is not None
        assert stored.right.mean() == pytest.approx(report["all"]["accuracy"], abs=1e-3)
        assert stored.near_duplicate.sum() == report["n_near_duplicates"]
        unique = stored.keep(~stored.near_duplicate)
        expected = report["without_near_duplicates"]["accuracy"]
        assert unique.right.mean() == pytest.approx(expected, abs=1e-3)


def test_every_chart_has_its_point_its_reading_and_its_table(open_page: OpenPage) -> None:
    app = open_page("model_metrics")
    for section in SECTIONS.keys() - {"Your own data", "Model card"}:
        app = go_to(app, section)
        n_charts = len(app.get("plotly_chart"))
        assert n_charts >= 1
        readings = [c for c in app.caption if c.value.startswith("**How to read it:**")]
        downloads = app.get("download_button")
        assert min(len(points_of(app)), len(readings), len(downloads)) >= n_charts, section


def points_of(app: AppTest) -> list[str]:
    return [m.value for m in app.markdown if m.value.startswith("**What it shows.**")]


def test_a_cell_can_be_chosen_by_keyboard(open_page: OpenPage, models_dir: Path) -> None:
    app = go_to(open_page("model_metrics"), "Confusion")
    app.selectbox(key="confusion_true").select("happy")
    app = app.selectbox(key="confusion_judged").select("neutral").run()
    model = app.selectbox(key="metrics_model").value
    stored = load_predictions(models_dir / model)
    assert stored is not None
    n = int(((stored.labels == 3) & (stored.predicted == 6)).sum())
    assert any(f"**{n}** of" in m.value for m in app.markdown)


def test_the_threshold_slider_says_what_it_costs(open_page: OpenPage, models_dir: Path) -> None:
    app = go_to(open_page("model_metrics"), "Confidence")
    app = app.slider[0].set_value(0.9).run()
    model = app.multiselect(key="metrics_models").value[0]
    stored = load_predictions(models_dir / model)
    assert stored is not None
    kept = stored.confidence >= 0.9
    assert any(f"{100 * kept.mean():.0f}\u00a0% of the faces" in m.value for m in app.markdown)


def test_no_model_chosen_is_an_empty_state(open_page: OpenPage) -> None:
    app = go_to(open_page("model_metrics"), "Overview")
    app = app.multiselect(key="metrics_models").set_value([]).run()
    assert not app.exception
    assert "at least one model" in app.info[0].value


def test_the_audit_asks_for_a_table_and_shows_nothing_else(open_page: OpenPage) -> None:
    app = go_to(open_page("model_metrics"), "Your own data")
    assert len(app.get("file_uploader")) == 0  # before anybody has agreed
    app = agree(app, context="research")
    assert len(app.get("file_uploader")) == 2
    assert not app.get("plotly_chart")


P = made_up(600)


def test_confusion_figure_shows_what_was_counted() -> None:
    counts = confusion_counts(P.labels, P.predicted)
    figure = charts.confusion_figure(counts, "counts")
    cells = figure.data[1]
    assert [list(point) for point in cells.customdata][:2] == [
        ["angry", "angry"],
        ["angry", "disgust"],
    ]
    shown = {(a.y, a.x): a.text for a in figure.layout.annotations}
    assert shown["fear", EMOTIONS.index("sad")] == str(
        ((P.labels == 2) & (P.predicted == 4)).sum()
    )


@pytest.mark.parametrize(("mode", "axis"), [("rows", 1), ("columns", 0)])
def test_normalised_confusion_sums_to_one(mode: charts.ConfusionMode, axis: int) -> None:
    counts = confusion_counts(P.labels, P.predicted)
    assert charts.confusion_values(counts, mode).sum(axis=axis) == pytest.approx(np.ones(7))
    empty = np.zeros((7, 7), np.int64)
    assert charts.confusion_values(empty, mode).sum() == 0


def test_series_differ_in_more_than_colour() -> None:
    table, areas = roc_curves(P.labels, P.probabilities)
    lines = [t for t in charts.roc_figure(table, areas).data if t.showlegend is not False]
    looks = {(t.line.color, t.line.dash) for t in lines}
    assert len(looks) == len(EMOTIONS)
    assert len({t.line.dash for t in lines}) >= 6
    names = {"a": P, "b": made_up(300, seed=1)}
    tables = {name: reliability(p.labels, p.probabilities) for name, p in names.items()}
    first, second = charts.reliability_figure(tables).data[1:]
    assert first.marker.symbol != second.marker.symbol
    assert first.line.dash != second.line.dash


def test_other_figures_can_be_drawn() -> None:
    table, averages = precision_recall_curves(P.labels, P.probabilities)
    assert len(charts.precision_recall_figure(table, averages).data) >= 7
    coverage = {"a": coverage_accuracy(P.labels, P.probabilities)}
    assert charts.coverage_figure(coverage, 0.5).data[1].x[0] == pytest.approx(
        (P.confidence >= 0.5).mean()
    )
    assert sum(charts.histogram_figure(P.confidence, 0.5).data[0].y) == len(P)
    curves = pd.DataFrame({"epoch": [1, 2], "accuracy": [0.1, 0.2], "val_accuracy": [0.1, 0.3]})
    assert len(metrics_charts.training_figure(curves, "accuracy").data) == 2
    rows = [
        {"corruption": name, "level": level, "accuracy": 0.5 / level}
        for name in ("haze", "JPEG")
        for level in (1, 2)
    ]
    figure = metrics_charts.robustness_figure(pd.DataFrame(rows), 0.6)
    assert {a.text for a in figure.layout.annotations} == {"50", "25"}
    for a in figure.layout.annotations:  # each number on its own cell, the axis counts from 0
        assert (a.x, a.text) in {(0, "50"), (1, "25")}
    found = association(np.array(["a", "b", "a"]), np.array(["x", "y", "y"]))
    assert len(metrics_charts.association_figure(found).layout.annotations) == 4


def test_interval_bars_reach_from_low_to_high() -> None:
    bars = charts.interval_bars([0.5, 0.2], [0.4, 0.2], [0.7, 0.3])
    np.testing.assert_allclose(bars["array"], [0.2, 0.1])
    np.testing.assert_allclose(bars["arrayminus"], [0.1, 0.0])


def test_a_missing_study_names_the_models_that_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[str, str]] = []
    monkeypatch.setattr(metrics_parts, "cards", lambda: dict.fromkeys(("new", "old", "other")))
    monkeypatch.setattr(metrics_parts, "study", lambda name: {} if name == "noise_old" else None)
    monkeypatch.setattr(metrics_parts, "missing", lambda *words: said.append(words))
    metrics_parts.missing_study("This study", "noise", "new", "mien noise")
    assert said == [
        ("This study has not been made for new. It is there for old.", "mien noise --model new")
    ]


def an_outcome(**of_gap: float) -> Outcome:
    gap = {
        "highest": "a", "lowest": "b", "n_groups": 2, "difference": 0.12, "low": 0.05,
        "high": 0.19, "ratio": 0.8, "chance95": 0.07, "p_value": 0.001, "p_holm": 0.002,
    } | of_gap  # fmt: skip
    groups = [
        GroupShare(group="a", n=300, share=0.62, low=0.56, high=0.67, status="judged"),
        GroupShare(group="b", n=300, share=0.50, low=0.44, high=0.56, status="judged"),
        GroupShare(group="c", n=12, share=0.25, low=0.09, high=0.53, status="small"),
        GroupShare(group="d", n=4, share=None, low=None, high=None, status="hidden"),
    ]
    return Outcome(
        key="accuracy", title="judged right", family="primary", better="high", n=616,
        overall=0.55, groups=groups, gap=Gap(**gap),
    )  # fmt: skip


def test_small_groups_are_hollow_and_hidden_ones_absent() -> None:
    figure = metrics_charts.groups_figure(an_outcome())
    judged, small = figure.data
    assert list(judged.y) == ["a (n=300)", "b (n=300)"]
    assert list(small.y) == ["c (n=12)"]
    assert small.marker.symbol.endswith("open")
    assert "d" not in "".join(str(y) for trace in figure.data for y in trace.y)


def test_ages_stand_in_the_order_of_their_years() -> None:
    names = ["10-19", "3-9", "old", "0-2", "young"]
    ordered = sorted(names, key=metrics_charts.by_first_number)
    assert ordered == ["0-2", "3-9", "10-19", "old", "young"]


def test_the_word_bias_stands_only_above_chance() -> None:
    assert "Bias found" in gap_sentence(an_outcome(), "error")
    assert "bias" not in gap_sentence(an_outcome(), "disparity").lower()
    for quiet in (an_outcome(p_holm=0.2), an_outcome(difference=0.06)):
        sentence = gap_sentence(quiet, "error")
        assert "bias" not in sentence.lower()
        assert "No more than chance" in sentence
    detail = an_outcome().model_copy(update={"family": "secondary"})
    assert "bias" not in gap_sentence(detail, "error").lower()


def test_summary_rows_name_the_ends_and_the_verdict() -> None:
    rng = np.random.default_rng(0)
    groups = np.where(P.right & (rng.random(len(P)) < 0.6), "left", "right")
    single, pairs = expression_breakdown(P, [Attribute("side", groups, "declared")], 0.5)
    report = BiasReport(
        title="t", kind="error", dataset="d", n=len(P), model_id="m", model_sha256="0",
        command="c", caveats=[], attributes=single, intersections=pairs,
    )  # fmt: skip
    (row,) = summary_rows(report)
    assert row["verdict"] == "bias found"
    assert row["best"].startswith("left 100.0 %")
    assert row["labels"] == "declared"


FORBIDDEN = ("unbiased", "fair model", "bias-free", "debias")


def test_forbidden_words_stand_nowhere_but_in_the_guide() -> None:
    root = ROOT
    for folder in ("core", "ui", "pages", "services", "cli", "training/studies/bias"):
        for file in (root / folder).rglob("*.py"):
            text = file.read_text(encoding="utf-8").lower()
            assert not [word for word in FORBIDDEN if word in text], file
