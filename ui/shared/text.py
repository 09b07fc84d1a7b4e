"""Numbers, days and other people's texts as the app writes them."""

import re
from datetime import date
from typing import Final

_MARKS: Final = re.compile(r"[\\`*_{}\[\]()<>#+!|~$:@&^=]|^(?=-)|(?<=^\d)\.")
_BREAKS: Final = re.compile(r"[ \t\r\n\f\v\x85\u2028\u2029]+")  # not the space that does not break
_JOINER: Final = "\u2060"  # no width, no break


def plain(text: object) -> str:
    r"""A text of outsiders (file name, header, group, error) so that Markdown shows it as it is.

    Marks are escaped. Addresses, `:material/icons:` and `:emoji:` are looked for after that, in
    what is left of the text, so that what they begin with is parted by a character without width.
    Line ends become blanks: nothing begins a list or a heading.

    Examples:
        >>> print(plain("![p](x)"))
        \!\[p\]\(x\)
    """
    one_line = _BREAKS.sub(" ", str(text)).strip()
    escaped = _MARKS.sub(lambda found: "\\" + found.group(), one_line)
    parted = re.sub(r"(\\[:@])", rf"\1{_JOINER}", escaped)
    return re.sub(r"(?i)\b(www)(?=\.)", rf"\1{_JOINER}", parted)


def percent(share: float, digits: int = 0) -> str:
    """A share 0..1 in per cent, with a space that does not break: `percent(0.966)` is "97 %"."""
    return f"{100 * share:.{digits}f}\u00a0%"


def signed(value: float, digits: int = 1) -> str:
    """A number with its sign, the minus as long as the plus: `signed(-1.62)` is "−1.6"."""
    rounded = round(value, digits) + 0.0  # nothing has no minus
    return f"{rounded:+.{digits}f}".replace("-", "\u2212")


def day(at: date) -> str:
    """A day, or the day of a time, in words: `day(date(2026, 3, 1))` is "1 March 2026"."""
    return f"{at.day} {at:%B %Y}"


def counted_of(number: int, word: str) -> str:
    """Such as "1 face" or "3 faces"."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def for_spreadsheets(csv: str) -> bytes:
    """A CSV with the mark without which spreadsheets take it for ASCII: an umlaut stays one."""
    return csv.encode("utf-8-sig")
