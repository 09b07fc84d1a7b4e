"""Dates of law, kept as data with the day on which they were checked."""

import tomllib
from datetime import date
from functools import cache
from pathlib import Path

from pydantic import BaseModel, Field

LEGAL_DATES_FILE = Path(__file__).with_name("legal_dates.toml")


class LegalDate(BaseModel, frozen=True):
    """From when on a law says something; `read` is "text" or "secondary"."""

    id: str
    law: str
    applies_from: date = Field(alias="from")
    says: str
    source: str
    read: str

    def in_force(self, on: date) -> bool:
        """Whether it applies on the day `on`."""
        return self.applies_from <= on


class LegalDates(BaseModel, frozen=True):
    """All dates, in the order in which they apply, and the day of the last check."""

    as_of: date
    dates: tuple[LegalDate, ...] = Field(alias="date")


@cache
def legal_dates() -> LegalDates:
    """Read the data file."""
    content = tomllib.loads(LEGAL_DATES_FILE.read_text("utf-8"))
    content["date"].sort(key=lambda entry: entry["from"])
    return LegalDates.model_validate(content)
