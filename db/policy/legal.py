"""Dates of law, kept as data with the day on which they were checked."""

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

LEGAL_DATES_FILE = Path(__file__).with_name("legal_dates.toml")


@dataclass(frozen=True)
class LegalDate:
    """From when on a law says something; `read` is "text" or "secondary"."""

    id: str
    law: str
    applies_from: date
    says: str
    source: str
    read: str

    def in_force(self, on: date) -> bool:
        """Whether it applies on the day `on`."""
        return self.applies_from <= on


@dataclass(frozen=True)
class LegalDates:
    """All dates, in the order in which they apply, and the day of the last check."""

    as_of: date
    dates: tuple[LegalDate, ...]


@cache
def legal_dates() -> LegalDates:
    """Read the data file."""
    content = tomllib.loads(LEGAL_DATES_FILE.read_text("utf-8"))
    dates = [
        LegalDate(
            id=entry["id"],
            law=entry["law"],
            applies_from=entry["from"],
            says=entry["says"],
            source=entry["source"],
            read=entry["read"],
        )
        for entry in content["date"]
    ]
    return LegalDates(content["as_of"], tuple(sorted(dates, key=lambda row: row.applies_from)))
