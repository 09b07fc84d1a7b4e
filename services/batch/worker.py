"""What a worker of a batch does: a part of the list in, a table out. Models are loaded once.

Landmarks are left out: no column needs them, and they take a third of the time.
"""

import signal
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from core.analyzer import Analyzer, create_analyzer
from core.config import Settings, load_settings
from core.errors import FileUnreadableError, MienError, ModelError
from core.pictures.files.names import printable
from services.analysis.photos import PhotoResult, analyse_bytes, analyse_file
from services.batch.files import is_url
from services.batch.folder import BatchJob
from services.batch.table import results_table


class UnexpectedFaultError(MienError):
    """A fault of ours while one file was analysed; the others go on."""


class WorkerLostError(MienError):
    """The process that analysed a file ended, again and again."""


class PartFiles:
    """Files of a part. Their names stay out of `repr`, because Dask logs arguments by it."""

    def __init__(self, files: Sequence[str]) -> None:
        self.files = tuple(files)

    def __repr__(self) -> str:
        return f"PartFiles({len(self.files)})"


def analyse_part(part: PartFiles, first: int, job: BatchJob) -> pa.Table:
    """Analyse files (paths or URLs) one after another; a refusal is a row, not an exception.

    `first` is the number of the first in the whole list, from 0.

    Raises:
        ModelError: if this worker has another model than the batch was begun with.
    """
    analyzer, settings = _loaded(job)
    results = [_analyse(file, analyzer, settings) for file in part.files]
    return results_table(results, first)


def lost_part(part: PartFiles, first: int) -> pa.Table:
    """The rows of files whose worker ended each time that they were tried."""
    error = WorkerLostError(
        "The worker process ended each time that it came to this file; look at the file and at "
        "the worker's memory."
    )
    return results_table(
        [PhotoResult.refused(printable(file), error) for file in part.files], first
    )


@lru_cache(maxsize=2)
def _loaded(job: BatchJob) -> tuple[Analyzer, Settings]:
    """The analyzer of this process, and the limits of the batch."""
    import cv2

    # As many processes as cores: further threads of OpenCV's would only stand in their way.
    cv2.setNumThreads(1)
    settings = load_settings().model_copy(
        update={
            "max_upload_mb": job.max_bytes // 1_000_000,
            "max_megapixels": job.max_pixels // 1_000_000,
        }
    )
    analyzer = create_analyzer(
        settings.models_dir,
        model_id=job.model_id,
        detector=job.detector,
        min_face_px=job.min_face_px,
        with_landmarks=False,
    )
    if analyzer.classifier.card.sha256 != job.model_sha256:
        raise ModelError(
            f"A worker has another {job.model_id!r} than this machine; install the same Mien "
            "on both."
        )
    return analyzer, settings


def _analyse(file: str, analyzer: Analyzer, settings: Settings) -> PhotoResult:
    try:
        result = _analyse_url(file, analyzer, settings) if is_url(file) else None
        result = result or analyse_file(Path(file), analyzer, settings)
    except Exception as exc:
        # One of a hundred thousand files must not end the run; the text could hold its name.
        fault = UnexpectedFaultError(
            f"Mien failed at this file ({type(exc).__name__}); please report it."
        )
        return PhotoResult.refused(printable(file), fault)
    # Pixels go at once: a part's photos need not fit into memory together.
    return replace(result, image_rgb=None)


def _analyse_url(url: str, analyzer: Analyzer, settings: Settings) -> PhotoResult:
    import fsspec

    try:
        with fsspec.open(url, "rb") as file:
            data = file.read(settings.max_upload_bytes + 1)
    # Each kind of storage has errors of its own.
    except Exception as exc:
        unreadable = FileUnreadableError(
            f"This file cannot be fetched ({type(exc).__name__}); "
            "please check that it exists and that the worker may read it."
        )
        return PhotoResult.refused(printable(url), unreadable)
    return analyse_bytes(url, data, analyzer, settings)


def dask_setup(_worker: object) -> None:
    """Called by Dask in each process of a batch on this machine, at its start."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
