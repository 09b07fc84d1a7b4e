"""A figure on the page: its point in one sentence, the chart, how to read it, its numbers."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from ui.shared.charts import ink as on_cells
from ui.shared.text import plain
from ui.shared.widgets import download

# Toolbars lie on the chart on phones; the numbers and their CSV stand below it.
CONFIG = {"displayModeBar": False}
# Ticks and titles at 4.5:1 or more on the theme's ground.
_TEXT = {False: "#4A5560", True: "#B9C3CB"}


def dark() -> bool:
    """Whether the reader's theme is dark."""
    return st.context.theme.type == "dark"


def plot(figure: go.Figure, *, key: str, alt: str, **options: Any) -> Any:
    """`st.plotly_chart` of a chart in the one style: no toolbar, texts in the theme's ink.

    `key` is unique on the page, `alt` what a screen reader says.
    """
    ink = _TEXT[dark()]
    figure.update_layout(font_color=ink, legend_font_color=ink)
    for update in (figure.update_xaxes, figure.update_yaxes):
        update(tickfont_color=ink, title_font_color=ink)
    # Bars have no marker whose colour their intervals could take.
    figure.update_traces(error_y_color=on_cells(dark()), selector={"type": "bar"})
    for bars in figure.select_traces({"type": "bar"}):
        if bars.unselected.textfont.color is None:  # what was not clicked fades, but can be read
            faded = {"marker": {"opacity": 0.5}, "textfont": {"color": ink}}
            bars.update(selected={"textfont": {"color": ink}}, unselected=faded)
    return st.plotly_chart(figure, key=key, config=dict(CONFIG), alt=alt, **options)


def show(
    figure: go.Figure,
    table: pd.DataFrame,
    *,
    key: str,
    says: str = "",
    reading: str,
    alt: str,
    **options: Any,
) -> Any:
    """A chart between its point and how to read it, and the table behind it as CSV.

    The table is the keyboard's and the screen reader's way to the numbers; `says` is a plain
    sentence computed from them. `key` is unique on the page and the CSV's name; options are those
    of `plot`.
    """
    if says:
        point(says)
    result = plot(figure, key=key, alt=alt, **options)
    st.caption(f"**How to read it:** {reading}")
    table_below(table, key)
    return result


def clicked(event: Any, key: str) -> Any:
    """The `customdata` of the point that was chosen on a chart since the last run, else None."""
    points = event.selection.points if event else []
    found = points[0].get("customdata") if points else None
    before, st.session_state[f"{key}_clicked"] = st.session_state.get(f"{key}_clicked"), found
    return None if found == before else found


def point(says: str) -> None:
    """The plain sentence that says what a chart or table shows, before it."""
    st.markdown(f"**What it shows.** {plain(says)}")


def table_below(table: pd.DataFrame, key: str) -> None:
    """The numbers behind a chart, folded, with a download."""
    with st.expander("Numbers behind this chart", icon=":material/table:"):
        st.dataframe(table, hide_index=True, key=f"{key}_table", height="auto")
        download("Download as CSV", table.to_csv(index=False), f"{key}.csv", key=f"{key}_csv")
