"""Charts of the review, recounted by hand."""

from datetime import date

import pytest

from db.types import ConsentState, Purpose
from services.admin.review import DayCount, StateCount
from ui.admin.charts import Period, rates_figure, rates_table, states_figure, states_table


def test_rates_are_shares_of_those_who_were_asked() -> None:
    monday, tuesday = date(2026, 11, 16), date(2026, 11, 17)
    table = rates_table(
        [
            DayCount(monday, Purpose.ANALYSE, ConsentState.GIVEN, 3),
            DayCount(monday, Purpose.ANALYSE, ConsentState.REFUSED, 1),
            DayCount(monday, Purpose.ANALYSE, ConsentState.WITHDRAWN, 9),
            DayCount(tuesday, Purpose.KEEP_IMAGE, ConsentState.REFUSED, 2),
        ]
    )
    assert table.to_dict("records") == [
        {"from": monday, "purpose": "Analyse now", "asked": 4, "agreed": 3, "share": 0.75},
        {"from": tuesday, "purpose": "Keep the image", "asked": 2, "agreed": 0, "share": 0.0},
    ]
    figure = rates_figure(table)
    assert [len(trace.x) for trace in figure.data] == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("every", "starts"),
    [
        ("day", [date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 2)]),
        ("week", [date(2026, 10, 26), date(2026, 11, 2)]),  # Mondays
        ("month", [date(2026, 10, 1), date(2026, 11, 1)]),
    ],
)
def test_days_of_one_period_are_counted_together(every: Period, starts: list[date]) -> None:
    days = [date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 2)]
    states = [ConsentState.GIVEN, ConsentState.REFUSED, ConsentState.GIVEN]
    counts = [
        DayCount(day, Purpose.ANALYSE, state, 2) for day, state in zip(days, states, strict=True)
    ]
    table = rates_table(counts, every)
    assert table["from"].tolist() == starts
    assert table["asked"].sum() == 6
    assert table["agreed"].sum() == 4
    assert (table["share"] * table["asked"] == table["agreed"]).all()


def test_no_events_make_an_empty_table_and_chart() -> None:
    assert rates_table([]).empty
    assert len(rates_figure(rates_table([])).data) == 4


def test_states_fill_every_cell() -> None:
    table = states_table([StateCount(Purpose.KEEP_RESULT, ConsentState.EXPIRED, 7)])
    assert table.shape == (4, 5)
    assert table.set_index("purpose").loc["Keep the result", "run out"] == 7
    assert table.drop(columns="purpose").to_numpy().sum() == 7
    assert len(states_figure(table).data) == 4
