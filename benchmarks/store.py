"""Measures the store and prints a table: `.venv/bin/python benchmarks/store.py`.

Writes to a temporary folder on the disk of `--folder`; the times hold for that disk. Beside each
time stands the processor time of it: where the two differ much, disk or other programs took it.
"""

import argparse
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console
from rich.table import Table

from db.audit import log as audit
from db.consent import analyses
from db.consent.purge import purge
from db.store import Store, open_store
from db.types import Choices, Consent
from services.person.consent import current_notice, erase, give
from services.store import chain_status

RESULT = {"faces": [{"box": [1, 2, 3, 4], "scores": [0.1] * 7, "points": [[1.5, 2.5]] * 478}]}
IMAGE = bytes(120_000)  # an image of about a megapixel as JPEG
KEEP_ALL = Choices(analyse=True, keep_result=True, keep_image=True)


class Clock:
    """A clock that can be moved."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        """The time now, moved."""
        return datetime.now(UTC) + self.ahead


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=None, help="where to write")
    parser.add_argument("--writes", type=int, default=500)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--images", type=int, default=10_000)
    options = parser.parse_args()
    table = Table("What", "Goal", "Measured", "of it on the processor", title=_title())
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        _writes(Path(folder), options.writes, table)
        _verify(Path(folder), options.rows, table)
        _purge(Path(folder), options.images, table)
    Console().print(table)


def _title() -> str:
    return f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"


def _agree(store: Store, choices: Choices) -> tuple[Consent, str | None]:
    notice_id = current_notice(store).id
    given = give(store, choices, context="personal", notice_id=notice_id)
    return given.consent, given.code


def _analyse(store: Store, consent: Consent, image: bytes | None) -> None:
    with store.write() as unit:
        analyses.record(
            unit,
            store.vault,
            consent.pseudonym,
            model_id="benchmark",
            face_count=1,
            result=RESULT,
            encoded_image=image,
        )


def _writes(folder: Path, writes: int, table: Table) -> None:
    store = open_store(folder / "writes")
    cases = (
        ("nothing kept, audit row", Choices(analyse=True), None, "-"),
        ("result kept, audit row", Choices(analyse=True, keep_result=True), None, "< 15 ms p95"),
        ("result and image kept, audit row", KEEP_ALL, IMAGE, "-"),
    )
    for what, choices, image, goal in cases:
        consent, _ = _agree(store, choices)
        times_ms, cpu_ms = _times_ms(lambda c=consent, i=image: _analyse(store, c, i), writes)
        table.add_row(f"Analysis: {what}", goal, _p50_p95(times_ms), _p50_p95(cpu_ms))
    consent, code = _agree(store, KEEP_ALL)
    _analyse(store, consent, IMAGE)
    (erase_ms,), (cpu_ms,) = _times_ms(lambda: erase(store, code or ""), 1)
    table.add_row("Erasing one person", "-", f"{erase_ms:.0f} ms", f"{cpu_ms:.0f} ms")
    store.close()


def _times_ms(call: Callable[[], object], times: int) -> tuple[list[float], list[float]]:
    """What each call took by the clock, and of the processor."""
    taken, on_cpu = [], []
    for _ in range(times):
        start, start_cpu = time.perf_counter(), time.process_time()
        call()
        on_cpu.append((time.process_time() - start_cpu) * 1_000)
        taken.append((time.perf_counter() - start) * 1_000)
    return taken, on_cpu


def _p50_p95(times_ms: list[float]) -> str:
    p50, p95 = np.percentile(times_ms, [50, 95])
    return f"{p50:.1f} ms p50, {p95:.1f} ms p95"


def _verify(folder: Path, rows: int, table: Table) -> None:
    store = open_store(folder / "verify")
    with store.write() as unit:
        for number in range(rows):
            unit.log(audit.Action.ANALYSED, "person:benchmark", {"faces": number})
    (took_ms,), (cpu_ms,) = _times_ms(lambda: _expect_whole(store), 1)
    what = f"Verifying {rows:,} audit rows"
    table.add_row(what, "< 5 s", f"{took_ms / 1_000:.1f} s", f"{cpu_ms / 1_000:.1f} s")
    store.close()


def _expect_whole(store: Store) -> None:
    assert chain_status(store).ok


def _purge(folder: Path, images: int, table: Table) -> None:
    clock = Clock()
    store = open_store(folder / "purge", clock=clock)
    consent, _ = _agree(store, KEEP_ALL)
    with store.write() as unit:
        for _ in range(images):
            analyses.record(
                unit,
                store.vault,
                consent.pseudonym,
                model_id="benchmark",
                face_count=1,
                result={},
                encoded_image=b"x" * 2_000,
            )
    clock.ahead = timedelta(days=30, hours=1)
    (took_ms,), (cpu_ms,) = _times_ms(lambda: _expect_purged(store, images), 1)
    what = f"Purge of {images:,} images and results"
    table.add_row(what, "< 30 s", f"{took_ms / 1_000:.1f} s", f"{cpu_ms / 1_000:.1f} s")
    store.close()


def _expect_purged(store: Store, images: int) -> None:
    report = purge(store)
    assert report.done
    assert report.images == images


if __name__ == "__main__":
    main()
