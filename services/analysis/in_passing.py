"""Analyses of which nothing is kept, whatever was allowed elsewhere: only their rows in the log.

The consent is read before the analysis and again in the transaction that logs it. What cannot
be logged is not shown; a live video that cannot be logged does not begin.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from uuid import uuid4

from core.analyzer import Analyzer
from core.config import Settings
from core.errors import MienError
from db.audit import log as audit
from db.consent import analyses
from db.errors import StoreError
from db.types import Consent, Way
from services.analysis.clips import ClipResult
from services.analysis.photos import PhotoResult, analyse_bytes
from services.analysis.records import record_unkept
from services.person.consent import check
from services.store import Store

logger = logging.getLogger(__name__)


def photo_in_passing(
    name: str,
    data: bytes,
    analyzer: Analyzer,
    settings: Settings,
    *,
    way: Way,
    store: Store,
    consent: Consent,
) -> PhotoResult:
    """Analyse a person's photo, log it and keep nothing; a refusal is a result."""
    try:
        check(store, consent)
        result = analyse_bytes(name, data, analyzer, settings)
        if result.analysis is not None:
            counts = {"faces": len(result.analysis.faces)}
            record_unkept(store, consent, way, model_id=result.analysis.model_id, counts=counts)
    except MienError as error:
        return PhotoResult.refused(name, error)
    return result


def clip_in_passing(
    name: str,
    analyse: Callable[[], ClipResult],
    *,
    model_id: str,
    store: Store,
    consent: Consent,
) -> ClipResult:
    """Run `analyse` over a person's clip, log it and keep nothing; a refusal is a result."""
    try:
        check(store, consent)
        result = analyse()
        if result.error is None:
            counts = {"faces": len(result.faces), "frames": result.n_frames}
            record_unkept(store, consent, Way.CLIP, model_id=model_id, counts=counts)
    except MienError as error:
        return ClipResult.refused(name, error)
    return result


class AuditRecord:
    """The log of a bias audit of own pictures: rows before the first picture, one at the end.

    Use it around the run; however that ends, stopped halfway too, the end is logged. `consent` is
    None for whoever runs commands on the serving computer.

    Raises:
        StoreError: not allowed (any more), or not written; the audit must not begin.
    """

    def __init__(
        self, store: Store, consent: Consent | None, *, model_ids: Sequence[str], pictures: int
    ) -> None:
        self._store, self._id, self._judgements = store, uuid4().hex, 0
        pseudonym = consent.pseudonym if consent else None
        self._actor = audit.subject_actor(pseudonym) if pseudonym else audit.OPERATOR
        with store.write() as unit:
            for model_id in model_ids:
                analyses.log_unkept(
                    unit,
                    pseudonym,
                    Way.DATA_SET,
                    model_id=model_id,
                    counts={"pictures": pictures},
                    object_id=self._id,
                )

    def judged(self, done: int) -> None:
        """Note how many judgements there are so far."""
        self._judgements = done

    def __enter__(self) -> "AuditRecord":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        details = {"judgements": self._judgements, "stopped": kind is not None}
        _log_end(self._store, audit.Action.AUDIT_ENDED, self._actor, details, self._id)


class LiveRecord:
    """The log of one live video: a row before its first frame, another one at its end.

    Not one a frame: 30 rows a second would say nothing more. Safe to end from any thread.

    Raises:
        StoreError: not allowed (any more), or not written; the video must not begin.
    """

    def __init__(self, store: Store, consent: Consent, *, model_id: str) -> None:
        self._store, self._pseudonym = store, consent.pseudonym
        self._id = uuid4().hex
        self._to_end = threading.Lock()
        with store.write() as unit:
            analyses.log_unkept(
                unit, self._pseudonym, Way.LIVE, model_id=model_id, counts={}, object_id=self._id
            )

    def end(self, *, frames: int, faces: int) -> None:
        """Log the end, once: how many frames were analysed, how many faces were told apart.

        The consent is not asked for: taking it back is what ends many a video.
        """
        if not self._to_end.acquire(blocking=False):
            return
        actor, details = audit.subject_actor(self._pseudonym), {"frames": frames, "faces": faces}
        _log_end(self._store, audit.Action.LIVE_ENDED, actor, details, self._id)


def _log_end(
    store: Store, action: audit.Action, actor: str, details: Mapping[str, int], object_id: str
) -> None:
    try:
        with store.write() as unit:
            unit.log(action, actor, details, object_id=object_id)
    except StoreError as error:
        # The rows of the beginning stand; this one only adds how far it came.
        logger.warning("%s could not be logged: %s", action.value, error)
