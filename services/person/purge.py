"""Runs the purge: on demand, on read, and every few minutes in one background thread."""

import logging
import threading
import time

from db.consent import purge as work
from db.consent.purge import PurgeReport
from db.errors import StoreError
from db.policy.retention import anything_expired, overdue_since
from db.store import Store
from services.observe import observers

EVERY_S = 300.0
logger = logging.getLogger(__name__)


def purge(store: Store) -> PurgeReport:
    """`db.consent.purge.purge`, and say how it went."""
    started = time.perf_counter()
    try:
        report = work.purge(store)
    except Exception:
        for observer in observers():
            observer.purge_failed()
        raise
    elapsed_s = time.perf_counter() - started
    n_removed = report.images + report.analyses + report.subjects + report.strays
    for observer in observers():
        if report.skipped:
            observer.purge_skipped()
        else:
            observer.purge_ended(n_removed, report.unfinished, elapsed_s)
    return report


def purge_lag_s(store: Store) -> float:
    """For how many seconds the oldest item is over its time; 0 where nothing is.

    Raises:
        StoreError: the database does not answer.
    """
    with store.read() as look:
        since = overdue_since(look.session, look.now)
        return 0.0 if since is None else max((look.now - since).total_seconds(), 0.0)


def purge_if_due(store: Store) -> PurgeReport | None:
    """Purge where something is over its time; for pages that show what is kept.

    A failure is logged, not raised: what is over its time is hidden from every look anyway.
    """
    try:
        with store.read() as look:
            due = anything_expired(look.session, look.now)
        return purge(store) if due else None
    except StoreError as exc:
        logger.warning("the purge waits: %s", exc)
        return None


class PurgeThread:
    """Purges at once and then `every_s` seconds after the end of the one before, until stopped.

    Start one for each process; many do no harm, a row in the database lets one of them work. The
    thread calls nothing but the purge.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from db.store import open_store
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = open_store(Path(folder) / "data")
        ...     thread = PurgeThread(store, every_s=60)
        ...     thread.stop()  # waits for a purge that is under way
        ...     store.close()
        >>> thread.alive
        False
    """

    def __init__(self, store: Store, every_s: float = EVERY_S):
        self._store = store
        self._every_s = every_s
        self._stop = threading.Event()
        # A daemon: a purge that is cut off at exit is finished by the next one.
        self._thread = threading.Thread(target=self._run, name="mien-purge", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Ask the thread to end and wait for it."""
        self._stop.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                purge(self._store)
            except StoreError as exc:
                logger.warning("the purge waits: %s", exc)
            except Exception:
                # The thread must outlive surprises: nothing else removes data on time.
                logger.exception("the purge failed; it tries again in %s s", self._every_s)
            self._stop.wait(self._every_s)
