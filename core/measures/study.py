"""Writing what a study found: JSON that any reader takes, which the pages and documents read."""

import json
import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from core.pictures.files.output import write_output


def write_study(file: Path, content: Any, *, digits: int | None = None) -> str:
    """Write `content`, of which see `plain`, to `file`, whose folder is made where it is missing.

    Fractions have `digits` digits; None keeps them all. Returns what was written.

    Raises:
        OutputError: it cannot be written.
    """
    with suppress(OSError):  # what is wrong with the folder is told of the file
        file.parent.mkdir(parents=True, exist_ok=True)
    text = study_text(content, digits=digits)
    write_output(file, text + "\n")
    return text


def study_text(content: Any, *, digits: int | None = None) -> str:
    """What `write_study` writes."""
    return json.dumps(plain(content, digits), indent=1, ensure_ascii=False, allow_nan=False)


def plain(value: Any, digits: int | None = None) -> Any:
    """The same in what JSON has: keys are texts, tuples and arrays lists, NaN null.

    Examples:
        >>> plain({1: (0.25, float("nan"))}, digits=1)
        {'1': [0.2, None]}
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return value if digits is None else round(value, digits)
    if isinstance(value, dict):
        return {str(key): plain(inner, digits) for key, inner in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(inner, digits) for inner in value]
    return value
