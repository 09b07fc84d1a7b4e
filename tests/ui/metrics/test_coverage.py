"""The section on coverage says what its study says."""

from typing import Any

from ui.metrics.coverage import CORRUPTIONS, coverage_figure, headline, table


def row(coverage: float, **more: Any) -> dict[str, Any]:
    return {
        "n": 100, "coverage": coverage, "ci95": [coverage - 0.05, coverage + 0.05],
        "mean_labels": 1.9, "one_label": 0.4, "no_agreement": 0.05, **more,
    }  # fmt: skip


STUDY = {
    "target": 0.9,
    "all": row(0.905),
    "groups": {"majority label": [row(0.97, group="happy"), row(0.61, group="disgust")]},
    "corruptions": [row(0.8, corruption="fog")],
}


def test_the_point_names_what_is_covered_least() -> None:
    assert headline(STUDY) == (
        "The labels that are named hold the one that most people choose in 90\u00a0% of the faces "
        "(aim: 90\u00a0%), with 1.9 labels a face. Covered least: disgust, 61\u00a0%."
    )


def test_the_table_and_the_chart_hold_every_group_the_least_covered_first() -> None:
    rows = table(STUDY, "majority label")
    assert rows["majority label"].tolist() == ["disgust", "happy"]
    figure = coverage_figure(rows, 0.9)
    assert list(figure.data[0].x) == [0.61, 0.97]
    assert list(figure.data[0].y) == ["disgust: 1.9 labels", "happy: 1.9 labels"]
    assert table(STUDY, CORRUPTIONS)[CORRUPTIONS].tolist() == ["fog"]
