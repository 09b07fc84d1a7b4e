"""Small labelled sets for audits: tables, ZIPs, and a detector that sees every other face."""

import io
import itertools
import zipfile
from typing import Any

import numpy as np
import pandas as pd

from core.emotions import EMOTIONS
from core.pictures.face_input import FULL_SQUARE
from core.types import Box, Face
from services.bias_audit.input import AuditSet, check_set, read_table
from tests.helpers.pictures import colourful, encode

N = 70


def pictures(n: int = N) -> list[bytes]:
    return [encode(colourful(48, 48, seed), "PNG") for seed in range(n)]


def labels(n: int = N) -> list[str]:
    return [EMOTIONS[i % 7] for i in range(n)]


def csv_bytes(n: int = N, **columns: list[Any]) -> bytes:
    frame = {"path": [f"faces/{i}.png" for i in range(n)], "label": labels(n), **columns}
    return pd.DataFrame(frame).to_csv(index=False).encode()


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def good_zip(n: int = N) -> bytes:
    return zipped({f"faces/{i}.png": data for i, data in enumerate(pictures(n))})


def checked(table: bytes, archive: bytes, *group_by: str) -> AuditSet:
    return check_set("x.csv", read_table("x.csv", table), group_by=group_by, archive=archive)


class FindsEveryOther:
    """A detector that finds a face in the first picture, none in the second, and so on."""

    name, threshold, box_geometry = "every other", 0.5, FULL_SQUARE

    def __init__(self, first: bool = True) -> None:
        self.calls = itertools.cycle([first, False])

    def detect(self, image_rgb: object) -> tuple[Face, ...]:
        box = Box(4, 4, 44, 44)
        return (Face(box, 0.9, np.empty((0, 2), np.float32), self.name),) * next(self.calls)
