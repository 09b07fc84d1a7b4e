"""Numbers and days as the app writes them."""

from datetime import date


def percent(share: float, digits: int = 0) -> str:
    """A share 0..1 in per cent, with a space that does not break: `percent(0.966)` is "97 %"."""
    return f"{100 * share:.{digits}f}\u00a0%"


def day(at: date) -> str:
    """A day, or the day of a time, in words: `day(date(2026, 3, 1))` is "1 March 2026"."""
    return f"{at.day} {at:%B %Y}"
