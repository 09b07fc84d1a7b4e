"""Charts of the review as pure functions: counts in, Plotly figures out."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal

import pandas as pd
import plotly.graph_objects as go

from db.types import ConsentState
from services.admin.review import DayCount, Holding, StateCount
from ui.consent.session import PURPOSE_TITLES
from ui.shared.charts import SERIES_COLOURS, filled, line, series_look, styled

Period = Literal["day", "week", "month"]
_AXIS: dict[Period, str] = {
    "day": "day (UTC)",
    "week": "week from (UTC)",
    "month": "month from (UTC)",
}
_FEW_ITEMS = 6
_FEW_DAYS = 8
STATE_TITLES = {
    ConsentState.GIVEN: "given",
    ConsentState.REFUSED: "refused",
    ConsentState.WITHDRAWN: "taken back",
    ConsentState.EXPIRED: "run out",
}


def _start(day: date, every: Period) -> date:
    """First day of the period in which `day` lies; weeks begin on Monday."""
    if every == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if every == "month" else day


def rates_table(counts: Sequence[DayCount], every: Period = "day") -> pd.DataFrame:
    """From (a period's first day), purpose, asked, agreed, share: of those asked, who agreed."""
    answers = [
        (
            _start(row.day, every),
            row.purpose,
            row.count,
            row.count * (row.state is ConsentState.GIVEN),
        )
        for row in counts
        if row.state in (ConsentState.GIVEN, ConsentState.REFUSED)
    ]
    table = pd.DataFrame(answers, columns=["from", "purpose", "asked", "agreed"])
    table = table.groupby(["from", "purpose"], as_index=False).sum()
    titles = table["purpose"].map(PURPOSE_TITLES)
    return table.assign(purpose=titles, share=table["agreed"] / table["asked"])


def rates_figure(table: pd.DataFrame, every: Period = "day") -> go.Figure:
    """Share of those asked who agreed, by period, one line a purpose."""
    figure = go.Figure()
    for index, title in enumerate(PURPOSE_TITLES.values()):
        part, look = table[table["purpose"] == title], series_look(index)
        hover = "%{x|%d %b}: %{customdata[0]} of %{customdata[1]} (%{y:.0%})"
        of = {"name": title, "marker": look.marker(9), "customdata": part[["agreed", "asked"]]}
        figure.add_trace(line(look, part["from"], part["share"], hover, **of))
    styled(figure, _AXIS[every], "agreed, of those asked", height=340, percent="y")
    figure.update_yaxes(range=[-0.03, 1.05])
    _day_axis(figure, set(table["from"]))
    return figure


def states_table(counts: Sequence[StateCount]) -> pd.DataFrame:
    """One row a purpose, one column a state."""
    found = {(row.purpose, row.state): row.count for row in counts}
    return pd.DataFrame(
        [
            {
                "purpose": title,
                **{words: found.get((p, state), 0) for state, words in STATE_TITLES.items()},
            }
            for p, title in PURPOSE_TITLES.items()
        ]
    )


def states_figure(table: pd.DataFrame) -> go.Figure:
    """Where consents stand now, a stacked bar a purpose."""
    figure = go.Figure()
    patterns = ("", "/", "x", ".")
    for index, words in enumerate(STATE_TITLES.values()):
        figure.add_bar(
            y=table["purpose"],
            x=table[words],
            name=words,
            orientation="h",
            marker={"color": SERIES_COLOURS[index], "pattern": {"shape": patterns[index]}},
            hovertemplate="%{y}, " + words + ": %{x}<extra></extra>",
        )
    figure.update_layout(barmode="stack", legend_traceorder="normal")
    return styled(figure, "consents", "", height=340, top_down=True)


def gone_figure(holdings: Sequence[Holding]) -> go.Figure:
    """How many items go on which day."""
    figure, by_day = go.Figure(), Counter[date]()
    for index, holding in enumerate(holdings):
        items = dict(holding.gone_by_day)
        by_day.update(items)
        figure.add_bar(
            x=list(items),
            y=list(items.values()),
            name=f"{holding.kind.value}s",
            marker=filled(index),
            hovertemplate="%{x|%d %b %Y}: %{y} go<extra></extra>",
        )
    styled(figure, "day (UTC)", "items that go", height=260)
    if max(by_day.values(), default=0) < _FEW_ITEMS:
        figure.update_yaxes(dtick=1)  # there is no half an item
    figure.update_layout(barmode="stack", legend_traceorder="normal")
    _day_axis(figure, set(by_day))
    return figure


def _day_axis(figure: go.Figure, days: set[date]) -> None:
    """A tick a day where there are few, else Plotly writes the same day several times."""
    figure.update_xaxes(tickformat="%d %b", nticks=8)
    if len(days) <= _FEW_DAYS:
        figure.update_xaxes(tickvals=sorted(days))
