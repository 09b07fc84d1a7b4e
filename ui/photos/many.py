"""Results of a ZIP of photos: one table for all of them, to look at and to take home."""

import io
from collections.abc import Sequence

import streamlit as st

from core.expression.answer import counted
from services.analysis.photos import PhotoResult, results_csv, results_json
from ui.photos.results import overview

_TABLE_HEIGHT_PX = 420


def show_many(results: Sequence[PhotoResult], model_id: str, detector: str) -> None:
    """Everything that is said of the photos of a ZIP."""
    with st.container(horizontal=True):
        for label, data, name, mime in (
            (
                "Table (CSV)", lambda: results_csv(results).encode("utf-8-sig"), "mien.csv",
                "text/csv",
            ),
            (
                "Table (parquet)", lambda: _parquet(results), "mien.parquet",
                "application/vnd.apache.parquet",
            ),
            (
                "All (JSON)",
                lambda: results_json(results, model_id=model_id, detector=detector),
                "mien.json", "application/json",
            ),
        ):  # fmt: skip
            st.download_button(
                label, data, name, mime, key=f"many_{name}", on_click="ignore",
                icon=":material/download:",
            )  # fmt: skip
    overview(list(results), height_px=_TABLE_HEIGHT_PX)
    st.caption(_faces_words(results))


def _faces_words(results: Sequence[PhotoResult]) -> str:
    """What people would say of all faces, most frequent first."""
    said = counted(f.answer for r in results if r.analysis is not None for f in r.analysis.faces)
    return f"People would say: {said}." if said else "No face was found in these photos."


def _parquet(results: Sequence[PhotoResult]) -> bytes:
    """The same table as `mien batch` writes."""
    import pyarrow.parquet as parquet

    from services.batch.table import results_table

    buffer = io.BytesIO()
    parquet.write_table(results_table(results, 0), buffer, compression="zstd")
    return buffer.getvalue()
