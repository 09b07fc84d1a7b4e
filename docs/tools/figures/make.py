"""Figures of the documents: data from measured files, drawn as small SVGs that carry their data.

The data lies in the picture's description as JSON, so that a test can compare a picture with its
sources without comparing how it was drawn.
"""

from pathlib import Path
from typing import Any, Final

from core.measures.study import plain
from docs.tools.figures import data as made_of_files
from docs.tools.figures import diagrams
from docs.tools.measured import ROOT, Measured, NotMeasuredError

FOLDER: Final = ROOT / "docs" / "report" / "figures"
Data = dict[str, Any]
DIGITS: Final = 5  # of the fractions that pictures carry
# Name -> width and height. `figures.data` or `figures.diagrams` has a function of that name that
# gathers the data, `figures.drawing` one that draws it.
SIZES_INCHES: Final = {
    "system": (7.2, 4.4),
    "imports": (7.2, 7.6),
    "data_flow": (7.2, 5.0),
    "class_balance": (7.2, 3.2),
    "training": (7.2, 4.0),
    "confusion": (6.2, 5.2),
    "reliability": (7.2, 3.6),
    "robustness": (7.2, 5.0),
    "detectors": (7.2, 4.0),
    "landmarks": (7.2, 3.6),
    "groups": (7.2, 6.4),
}


def figure_data(name: str, measured: Measured) -> Data:
    """A figure's rounded data; `measured.needed` then names the files behind it.

    Raises:
        NotMeasuredError: if one of them is not there.
    """
    measured.needed.clear()
    make = getattr(diagrams, name, None) or getattr(made_of_files, name)
    return dict(plain(make(measured), DIGITS))


def write_all(measured: Measured, folder: Path = FOLDER) -> list[Path]:
    """Draw every figure, remove those without data; returns what was drawn."""
    from docs.tools.figures import drawing

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, size_inches in SIZES_INCHES.items():
        file = folder / f"{name}.svg"
        try:
            data = figure_data(name, measured)
        except NotMeasuredError:
            file.unlink(missing_ok=True)
            continue
        drawing.save(name, data, size_inches, file)
        written.append(file)
    return written
