"""Results as rows: one a face; a file without faces or refused has one row with empty cells."""

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from core.emotions import EMOTIONS
from services.analysis.photos import BOX_COLUMNS, PhotoResult, face_cells, result_dict

SCHEMA: Final = pa.schema(
    [
        ("number", pa.int64()),  # of the file in the list, from 1
        ("file", pa.string()),
        ("face", pa.int32()),  # from 1, in reading order
        *((side, pa.float32()) for side in BOX_COLUMNS),
        ("confidence", pa.float32()),
        ("top", pa.string()),
        ("labels", pa.string()),  # all that are named, with spaces between
        ("uncertain", pa.bool_()),  # whether more than one is named
        *((emotion, pa.float32()) for emotion in EMOTIONS),
        ("quality", pa.float32()),  # 0..1, see docs/detection.md
        ("flaw", pa.string()),  # what is worst about the face, if anything
        ("not_judged", pa.string()),  # why a face was found but got no scores
        ("turned_degrees", pa.int32()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("notes", pa.string()),
        ("error_kind", pa.string()),
        ("error", pa.string()),
    ]
)
REFUSAL_COLUMNS: Final = ("number", "file", "error_kind", "error")


def results_table(results: Sequence[PhotoResult], first: int) -> pa.Table:
    """Rows of `results`, whose first file has the number `first` (from 0) in the list.

    No times are in it, so that the same files give the same table.
    """
    rows: list[dict[str, Any]] = []
    for number, result in enumerate(results, start=first + 1):
        found = result_dict(result, model_id="", detector="")
        error = found["error"] or {}
        common = {
            "number": number,
            "file": result.name,
            "width": found["width"],
            "height": found["height"],
            "notes": " ".join(result.notes),
            "error_kind": error.get("kind"),
            "error": error.get("message"),
        }
        rows += [
            {**common, "face": index, **face_cells(face)}
            for index, face in enumerate(found["faces"], start=1)
        ] or [common]
    return pa.Table.from_pylist(rows, schema=SCHEMA)
