"""Charts of the review as pure functions: counts in, Plotly figures out."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Literal

import pandas as pd
import plotly.graph_objects as go

from db.types import ConsentState, Purpose
from services.admin.review import DayCount, Holding, StateCount
from ui.consent.session import PURPOSE_TITLES
from ui.shared.charts import DASHES, SERIES_COLOURS, SYMBOLS, styled

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
    asked: dict[tuple[date, Purpose], int] = defaultdict(int)
    agreed: dict[tuple[date, Purpose], int] = defaultdict(int)
    for row in counts:
        if row.state in (ConsentState.GIVEN, ConsentState.REFUSED):
            asked[_start(row.day, every), row.purpose] += row.count
        if row.state is ConsentState.GIVEN:
            agreed[_start(row.day, every), row.purpose] += row.count
    return pd.DataFrame(
        [
            {
                "from": start,
                "purpose": PURPOSE_TITLES[purpose],
                "asked": n,
                "agreed": agreed[start, purpose],
                "share": agreed[start, purpose] / n,
            }
            for (start, purpose), n in sorted(asked.items())
        ],
        columns=["from", "purpose", "asked", "agreed", "share"],
    )


def rates_figure(table: pd.DataFrame, every: Period = "day") -> go.Figure:
    """Share of those asked who agreed, by period, one line a purpose."""
    figure = go.Figure()
    for index, title in enumerate(PURPOSE_TITLES.values()):
        part = table[table["purpose"] == title]
        figure.add_scatter(
            x=part["from"],
            y=part["share"],
            name=title,
            mode="lines+markers",
            line={"color": SERIES_COLOURS[index], "dash": DASHES[index], "width": 2.5},
            marker={"symbol": SYMBOLS[index], "size": 9},
            customdata=part[["agreed", "asked"]],
            hovertemplate="%{x|%d %b}: %{customdata[0]} of %{customdata[1]} (%{y:.0%})",
        )
    styled(figure, _AXIS[every], "agreed, of those asked", height=340)
    figure.update_yaxes(range=[-0.03, 1.05], tickformat=".0%")
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
    styled(figure, "consents", "", height=340)
    figure.update_layout(barmode="stack", legend_traceorder="normal")
    figure.update_yaxes(autorange="reversed")
    return figure


def gone_figure(holdings: Sequence[Holding]) -> go.Figure:
    """How many items go on which day."""
    figure = go.Figure()
    for index, holding in enumerate(holdings):
        figure.add_bar(
            x=[day for day, _ in holding.gone_by_day],
            y=[count for _, count in holding.gone_by_day],
            name=f"{holding.kind.value}s",
            marker={
                "color": SERIES_COLOURS[index],
                "pattern": {"shape": ("", "/")[index % 2]},
            },
            hovertemplate="%{x|%d %b %Y}: %{y} go<extra></extra>",
        )
    styled(figure, "day (UTC)", "items that go", height=260)
    by_day = Counter[date]()
    for holding in holdings:
        by_day.update(dict(holding.gone_by_day))
    if max(by_day.values(), default=0) < _FEW_ITEMS:
        figure.update_yaxes(dtick=1)  # there is no half an item
    figure.update_layout(barmode="stack", legend_traceorder="normal")
    _day_axis(figure, {day for holding in holdings for day, _ in holding.gone_by_day})
    return figure


def _day_axis(figure: go.Figure, days: set[date]) -> None:
    """A tick a day where there are few, else Plotly writes the same day several times."""
    figure.update_xaxes(tickformat="%d %b", nticks=8)
    if len(days) <= _FEW_DAYS:
        figure.update_xaxes(tickvals=sorted(days))
