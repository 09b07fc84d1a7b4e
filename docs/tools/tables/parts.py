"""Pieces that the tables of the documents share."""

from docs.tools.measured import Measured, shown

# Lines (none where nothing is measured yet), the files behind them, the command that makes them.
Table = tuple[list[str], list[str], str]


def to_lines(header: list[str], rows: list[list[str]]) -> list[str]:
    """A header and rows as Markdown, the first column to the left."""
    rule = "|" + "|".join("---" if i == 0 else "--:" for i in range(len(header))) + "|"
    return [f"| {' | '.join(cells)} |" for cells in [header]] + [rule] + [
        f"| {' | '.join(cells)} |" for cells in rows
    ]  # fmt: skip


def interval(pair: list[float]) -> str:
    """Two shares as per cent, one digit."""
    return f"{100 * pair[0]:.1f} – {100 * pair[1]:.1f}"


def fine_interval(pair: list[float]) -> str:
    """Two shares as per cent, two digits."""
    return f"{100 * pair[0]:.2f} – {100 * pair[1]:.2f}"


def signed(pair: list[float]) -> str:
    """Two changes of a share in points, with signs."""
    return " to ".join(shown(value, "pp") for value in pair)


def score(value: float | None, spec: str) -> str:
    """A figure, or a dash where there was nothing to count."""
    return "–" if value is None else shown(value, spec)


def p_value(value: float | None) -> str:
    """A p value as people write it."""
    return "–" if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


def by_first_number(counts: dict[str, int]) -> list[tuple[str, int]]:
    """Age bins by age, other groups by name."""
    return sorted(counts.items(), key=lambda item: (int(item[0].split("-")[0]), "")
                  if item[0][0].isdigit() else (0, item[0]))  # fmt: skip


def default_evaluation(measured: Measured) -> str:
    """Path of the default model's evaluation."""
    return f"models/{measured.default_model}/evaluation.json"
