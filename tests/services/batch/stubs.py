"""What stands in for a worker's analysis where a test is about everything around it."""

import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from core.errors import UnsupportedFormatError
from services.analysis.photos import PhotoResult
from services.batch.folder import BatchJob, open_batch
from services.batch.table import results_table
from services.batch.worker import PartFiles

JOB = BatchJob("some-model", "0" * 64, "yunet", 24, 10_000_000, 25_000_000)

_lock = threading.Lock()
_running = 0
most_at_once = 0


def refuse_all(part: PartFiles, first: int, job: BatchJob) -> pa.Table:
    """Every file gets one row, at once."""
    error = UnsupportedFormatError("No picture.")
    return results_table([PhotoResult.refused(file, error) for file in part.files], first)


def count_at_once(part: PartFiles, first: int, job: BatchJob) -> pa.Table:
    """`refuse_all`, noting how many are in work at a time (threads of one process)."""
    global _running, most_at_once
    with _lock:
        _running += 1
        most_at_once = max(most_at_once, _running)
    time.sleep(0.01)
    with _lock:
        _running -= 1
    return refuse_all(part, first, job)


def die_at_poison(part: PartFiles, first: int, job: BatchJob) -> pa.Table:
    """`refuse_all`; a file called "poison…" ends the process, "once…" only the first time."""
    for file in part.files:
        path = Path(file)
        if path.name.startswith("poison") or (path.name.startswith("once") and _first(path)):
            os.kill(os.getpid(), signal.SIGKILL)
    return refuse_all(part, first, job)


def _first(path: Path) -> bool:
    mark = path.with_suffix(".seen")
    if mark.exists():
        return False
    mark.touch()
    return True


def names(count: int) -> Iterator[str]:
    """So many paths, none of which is kept."""
    return (f"/photos/of/a/long/summer/photo_{number:08d}.jpg" for number in range(count))


def main() -> None:
    """Run a batch of argv[2] files into argv[1]; print the peak of memory in megabytes."""
    from distributed import Client, LocalCluster

    from services.batch.run import run_batch

    with (
        open_batch(Path(sys.argv[1]), "source", JOB, names(int(sys.argv[2]))) as folder,
        LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address="127.0.0.1:0"
        ) as cluster,
        Client(cluster) as client,
    ):
        run_batch(folder, client, analyse=refuse_all)
        print(folder.finish().n_done, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main()
