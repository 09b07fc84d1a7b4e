"""What services do, as Prometheus metrics. One object a process; nothing of a person in it."""

import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from core.errors import MienError
from services.observe import WORK, Observer
from services.person.purge import purge_lag_s
from services.store import Store

# Around what was measured: a step takes 0.2 to 40 ms, a photo 40 ms, a crowded machine seconds.
_STEP_BUCKETS_S: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
_PURGE_BUCKETS_S: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0)


class Metrics(Observer):
    """Observes services, keeps counts in a registry of its own; asks the store at each scrape."""

    def __init__(self, find_store: Callable[[], Store | None] = lambda: None) -> None:
        registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        self.registry, self._find_store = registry, find_store
        counter, gauge = partial(Counter, registry=registry), partial(Gauge, registry=registry)
        histogram = partial(Histogram, registry=registry)
        self._steps = histogram(
            "mien_step_seconds",
            "Time of one step of an analysed photo; total is all of it.",
            ["step"],
            buckets=_STEP_BUCKETS_S,
        )
        self._photos = counter("mien_photos", "Photos that were analysed.")
        self._faces = counter("mien_faces", "Faces found in them.")
        self._refused = counter(
            "mien_refusals", "Photos that were not analysed, by reason.", ["reason"]
        )
        self._waiting = gauge("mien_queue_length", "Analyses that wait for their turn.")
        gauge("mien_running", "Analyses under way.").set_function(lambda: WORK.n_running)
        self._frames = histogram(
            "mien_frame_seconds",
            "Time from a live frame's arrival to its result.",
            buckets=_STEP_BUCKETS_S,
        )
        self._dropped = counter("mien_frames_dropped", "Live frames replaced by a newer one.")
        self._register_purges(registry)

    def _register_purges(self, registry: CollectorRegistry) -> None:
        counter, gauge = partial(Counter, registry=registry), partial(Gauge, registry=registry)
        self._purges = counter(
            "mien_purges",
            "Purges of this process, by outcome: done, skipped, failed.",
            ["outcome"],
        )
        self._removed = counter("mien_purged_items", "Items that they removed.")
        self._purge_s = Histogram(
            "mien_purge_seconds", "Time of a purge.", buckets=_PURGE_BUCKETS_S, registry=registry
        )
        self._purged_at = gauge(
            "mien_last_purge_timestamp_seconds", "When this process last finished a purge."
        )
        self._unfinished = gauge(
            "mien_erasures_unfinished", "Jobs that the last purge left to do."
        )
        gauge(
            "mien_purge_lag_seconds",
            "For how long the oldest item is over its time; 0 for none, NaN without a database.",
        ).set_function(self._lag_s)

    def photo_analysed(self, timings_ms: Mapping[str, float], n_faces: int) -> None:
        """Count the photo and time its steps."""
        self._photos.inc()
        self._faces.inc(n_faces)
        for step, elapsed_ms in timings_ms.items():
            self._steps.labels(step).observe(elapsed_ms / 1000)

    def photo_refused(self, kind: str) -> None:
        """Count the reason."""
        self._refused.labels(kind).inc()

    def queue_changed(self, n_waiting: int) -> None:
        """Show the length."""
        self._waiting.set(n_waiting)

    def frame_analysed(self, latency_ms: float) -> None:
        """Time the frame."""
        self._frames.observe(latency_ms / 1000)

    def frames_dropped(self, n_frames: int) -> None:
        """Count them."""
        self._dropped.inc(n_frames)

    def purge_ended(self, n_removed: int, n_unfinished: int, elapsed_s: float) -> None:
        """Count what went, note when."""
        self._purges.labels("done").inc()
        self._removed.inc(n_removed)
        self._unfinished.set(n_unfinished)
        self._purge_s.observe(elapsed_s)
        self._purged_at.set(time.time())

    def purge_skipped(self) -> None:
        """Count it."""
        self._purges.labels("skipped").inc()

    def purge_failed(self) -> None:
        """Count it."""
        self._purges.labels("failed").inc()

    def _lag_s(self) -> float:
        store = self._find_store()
        if store is None:
            return math.nan
        try:
            return purge_lag_s(store)
        except MienError:
            return math.nan
