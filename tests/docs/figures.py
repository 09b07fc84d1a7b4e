"""What a drawn figure shows, read back, and whether that is what its sources say."""

import json
import math
import re
from html import unescape
from pathlib import Path
from typing import Any

_DESCRIPTION = re.compile(r"<dc:description>(.*?)</dc:description>", re.DOTALL)


def alike(one: Any, other: Any, *, tolerance: float = 2e-4) -> bool:
    """Whether two figures show the same data, but for the last digits of another processor."""
    if (
        isinstance(one, bool | str)
        or one is None
        or isinstance(other, bool | str)
        or other is None
    ):
        return bool(one == other)
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(alike(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return False


def drawn_data(file: Path) -> dict[str, Any] | None:
    """What a picture shows, read back from it; None where it carries nothing."""
    found = _DESCRIPTION.search(file.read_text("utf-8"))
    return dict(json.loads(unescape(found[1]))) if found else None
