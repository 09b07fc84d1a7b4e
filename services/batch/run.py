"""Analyse very many files on Dask: a few parts in flight, each written as soon as it is done."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
from distributed import Client, Future, KilledWorker, LocalCluster, as_completed

from core.config import Settings
from core.errors import MienError
from core.expression.model_card import load_card
from services.batch.files import BatchError
from services.batch.folder import BatchFolder, BatchJob
from services.batch.worker import PartFiles, analyse_part, lost_part

AnalysePart = Callable[[PartFiles, int, BatchJob], pa.Table]
OnPart = Callable[[int], None]

# Parts that wait at a worker beside the one in work: none ever waits for us, and memory is bound.
_PARTS_A_THREAD: Final = 2

_CLUSTER_CONFIG: Final[dict[str, Any]] = {
    # A task is only ever blamed for a worker's end while it is the one in work there.
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.allowed-failures": 1,
    "distributed.worker.profile.enabled": False,
    # Dask has its workers hand memory back to the system after every array, and photos are so
    # large that asking for it again took as long as analysing them (47 ms of processor time a
    # photo, 25 with these). A worker keeps at most this much, whatever the number of photos.
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 256 * 2**20,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 64 * 2**20,
    # A cluster gives a worker up that is not there this long after it, or one before it, ended; on
    # a busy machine a new one takes longer than the usual 15 s, and a run without any would hang.
    "distributed.deploy.lost-worker-timeout": "365 days",
    # Makes workers deaf to Ctrl-C: a terminal tells all, and who hands out the work says so.
    "distributed.worker.preload": ["services.batch.worker"],
    # No pages about the cluster, which would be open to everyone on this machine.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}


def batch_job(settings: Settings, *, model_id: str, detector: str) -> BatchJob:
    """What the results of a batch depend on, from the settings of this machine."""
    return BatchJob(
        model_id=model_id,
        model_sha256=load_card(model_id, settings.models_dir).sha256,
        detector=detector,
        min_face_px=settings.min_face_px,
        max_bytes=settings.max_upload_bytes,
        max_pixels=settings.max_pixels,
    )


@contextmanager
def local_client(n_workers: int) -> Iterator[Client]:
    """`n_workers` processes of this machine, one thread each, gone afterwards."""
    import logging

    import dask

    with (
        dask.config.set(_CLUSTER_CONFIG),
        LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextmanager
def remote_client(address: str) -> Iterator[Client]:
    """An existing scheduler, such as "tcp://host:8786"; its workers need Mien installed.

    Raises:
        BatchError: if it does not answer or has no worker.
    """
    try:
        client = Client(address, timeout=10)
    except (OSError, ValueError) as exc:
        raise BatchError("The Dask scheduler does not answer at this address.") from exc
    with client:
        if not client.nthreads():
            raise BatchError("The Dask scheduler has no worker; start some first.")
        yield client


def run_batch(
    folder: BatchFolder,
    client: Client,
    *,
    on_part: OnPart | None = None,
    analyse: AnalysePart = analyse_part,
) -> None:
    """Make all parts that are missing, in this process's `folder`.

    A worker that ends costs time only: Dask gives its part to another. A part at which workers end
    again and again is tried file by file, and the file that ends them is listed as refused.

    Raises:
        MienError: what a worker cannot do for any file, such as load the model.
    """
    _Run(folder, client, on_part or (lambda n_files: None), analyse).run()


@dataclass(frozen=True)
class _Task:
    """What a future is for; `place` is a file's in its part, None for the whole part."""

    part: int
    first: int
    files: tuple[str, ...]
    place: int | None = None


class _Run:
    """The state of one `run_batch`."""

    def __init__(
        self, folder: BatchFolder, client: Client, on_part: OnPart, analyse: AnalysePart
    ) -> None:
        self._folder, self._client = folder, client
        self._on_part, self._analyse = on_part, analyse
        self._tasks: dict[str, _Task] = {}
        self._single: dict[int, dict[int, pa.Table]] = {}  # part -> place -> rows

    def run(self) -> None:
        waiting = iter(self._folder.missing_parts())
        done = as_completed(with_results=False)
        self._fill(done, waiting)
        for future in done:
            self._finished(future, done)
            future.release()
            self._fill(done, waiting)

    def _fill(self, done: Any, waiting: Iterator[int]) -> None:
        """Hand out parts until enough are in flight for the workers there are just now."""
        n_threads = sum(self._client.nthreads().values())
        limit = _PARTS_A_THREAD * max(n_threads, 1)
        while len(self._tasks) < limit and (part := next(waiting, None)) is not None:
            first, files = self._folder.part_files(part)
            done.add(self._submit(_Task(part, first, tuple(files))))

    def _submit(self, task: _Task) -> Future:
        number = task.first + (task.place or 0)
        files = task.files if task.place is None else (task.files[task.place],)
        future = self._client.submit(
            self._analyse,
            PartFiles(files),
            number,
            self._folder.job,
            # A name of its own in this run: Dask must not answer from an earlier one's results.
            key=f"mien-{id(self):x}-{task.part}-{'all' if task.place is None else task.place}",
            pure=False,
        )
        self._tasks[future.key] = task
        return future

    def _finished(self, future: Future, done: Any) -> None:
        task = self._tasks.pop(future.key)
        try:
            # Not by the future's status: a worker can end after its task and before it has
            # handed the result over, and Dask then does the task again.
            table = future.result()
        except KilledWorker:
            if task.place is None and len(task.files) > 1:
                self._single[task.part] = {}
                for place in range(len(task.files)):
                    done.add(self._submit(_Task(task.part, task.first, task.files, place)))
                return
            place = task.place or 0
            table = lost_part(PartFiles(task.files[place : place + 1]), task.first + place)
        except MienError:
            raise
        except Exception as exc:
            raise BatchError(
                f"A worker failed ({type(exc).__name__}); is the same Mien installed there?"
            ) from exc
        self._keep(task, table)

    def _keep(self, task: _Task, table: pa.Table) -> None:
        """Write a part, or put one file's rows by until its part is whole."""
        if task.place is not None:
            rows = self._single[task.part]
            rows[task.place] = table
            if len(rows) < len(task.files):
                return
            table = pa.concat_tables([rows[place] for place in sorted(rows)])
            del self._single[task.part]
        self._folder.write_part(task.part, table)
        self._on_part(len(task.files))
