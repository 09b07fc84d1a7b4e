"""Figures of the documents: data from measured files, drawn as small SVGs that carry their data.

The data lies in the picture's description as JSON, so that a test can compare a picture with its
sources without comparing how it was drawn.
"""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any, Final

from docs.tools.figures import data as figure_data
from docs.tools.figures import diagrams
from docs.tools.measured import ROOT, Measured

FOLDER: Final = ROOT / "docs" / "report" / "figures"
Data = dict[str, Any]
_DIGITS: Final = 5
_DESCRIPTION: Final = re.compile(r"<dc:description>(.*?)</dc:description>", re.DOTALL)


@dataclass(frozen=True)
class Figure:
    """One picture.

    Attributes:
        paths: the files behind it, of which all must be there.
        make: its data from those files, as JSON would hold it.
        draw: name of the function of `docs.tools.figures.drawing` that draws the data.
        size_inches: width and height.
    """

    paths: Callable[[Measured], list[str]]
    make: Callable[[Measured], Data]
    draw: str
    size_inches: tuple[float, float] = (7.2, 4.0)

    def data(self, measured: Measured) -> Data | None:
        """The rounded data; None where a file is missing."""
        paths = self.paths(measured)
        if not paths or not all(measured.have(path) for path in paths):
            return None
        return dict(rounded(self.make(measured)))


def _one(pattern: str) -> Callable[[Measured], list[str]]:
    return lambda measured: [pattern.format(model=measured.default_model)]


def _each(names: str, pattern: str) -> Callable[[Measured], list[str]]:
    """A file for every model or detector that has one; the pattern where none has."""

    def paths(measured: Measured) -> list[str]:
        found = [pattern.format(name=name) for name in getattr(measured, names)()]
        return [path for path in found if measured.have(path)] or [pattern.format(name="NAME")]

    return paths


FIGURES: Final[dict[str, Figure]] = {
    "system": Figure(lambda _: ["tests/test_layers.py"], diagrams.system, "system", (7.2, 4.4)),
    "data_flow": Figure(
        lambda _: ["core/analyzer.py"], diagrams.data_flow, "data_flow", (7.2, 5.0)
    ),
    "class_balance": Figure(
        _one("models/studies/dataset_facts.json"), figure_data.class_balance, "class_balance",
        (7.2, 3.2),
    ),
    "training": Figure(
        _each("all_expression_models", "models/{name}/curves.json"), figure_data.training,
        "training",
    ),
    "confusion": Figure(
        _one("models/{model}/evaluation.json"), figure_data.confusion, "confusion", (6.2, 5.2)
    ),
    "reliability": Figure(
        _one("models/{model}/predictions.npz"), figure_data.reliability, "reliability", (7.2, 3.6)
    ),
    "robustness": Figure(
        _one("models/studies/robustness_{model}.json"), figure_data.robustness, "robustness",
        (7.2, 5.0),
    ),
    "detectors": Figure(
        _each("detectors", "models/{name}/evaluation.json"), figure_data.detectors, "detectors"
    ),
    "landmarks": Figure(
        _one("models/studies/landmarks.json"), figure_data.landmarks, "landmarks", (7.2, 3.6)
    ),
    "groups": Figure(
        _one("models/studies/bias_measured_{model}.json"), figure_data.groups, "groups", (7.2, 6.4)
    ),
}  # fmt: skip


def rounded(value: Any) -> Any:
    """Floats to five digits, as the pictures carry them."""
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, _DIGITS)
    if isinstance(value, dict):
        return {str(key): rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner) for inner in value]
    return value


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


def drawn_data(file: Path) -> Data | None:
    """What a picture shows, read back from it; None where it carries nothing."""
    found = _DESCRIPTION.search(file.read_text("utf-8"))
    return dict(json.loads(unescape(found[1]))) if found else None


def write_all(measured: Measured, folder: Path = FOLDER) -> list[Path]:
    """Draw every figure whose data changed, remove those without data; returns what was drawn."""
    from docs.tools.figures import drawing

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, figure in FIGURES.items():
        file, data = folder / f"{name}.svg", figure.data(measured)
        if data is None:
            file.unlink(missing_ok=True)
            continue
        drawing.save(figure.draw, data, figure.size_inches, file)
        written.append(file)
    return written
