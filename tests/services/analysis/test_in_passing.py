"""Ways on which nothing is kept: each analysis is in the log, or is not shown."""

import json
import signal
import subprocess
import sys
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from sqlalchemy import text

from core.analyzer import Analyzer
from core.config import Settings
from core.errors import DamagedImageError
from core.types import Analysis
from db.audit import log as audit
from db.errors import ConsentWithdrawnError, StoreFullError
from db.store import Store
from db.types import Choices, Way
from services.analysis.clips import ClipResult
from services.analysis.in_passing import AuditRecord, LiveRecord, clip_in_passing, photo_in_passing
from services.person.consent import withdraw
from tests.db.tools import ALL, actions, agree, counts, files, verified
from tests.paths import ROOT

PHOTO = (ROOT / "samples" / "astronaut.jpg").read_bytes()
CLIP = ClipResult("a.mp4", None, 4.0, 120, (), (), None, 0.1, (), None)


class StubAnalyzer:
    """Finds nobody, at once; `before_it_ends` happens while it is at work."""

    min_face_px = 24

    def __init__(self, before_it_ends: Any = None) -> None:
        self._before_it_ends = before_it_ends

    def analyze(self, image_rgb: Any) -> Analysis:
        if self._before_it_ends is not None:
            self._before_it_ends()
        size_wh = (image_rgb.shape[1], image_rgb.shape[0])
        return Analysis(size_wh, (), "test-model", "test-detector", {})


def show(store: Store, consent: Any, analyzer: StubAnalyzer | None = None, data: bytes = PHOTO):
    return photo_in_passing(
        "me.jpg", data, cast("Analyzer", analyzer or StubAnalyzer()), Settings(),
        way=Way.SNAPSHOT, store=store, consent=consent,
    )  # fmt: skip


def rows_of(store: Store, *wanted: str) -> list[tuple[str, str, str, dict[str, Any]]]:
    """(action, actor, object, details) of the log's rows with these actions."""
    with store.engine.connect() as connection:
        found = connection.execute(
            text("SELECT action, actor, object_id, details_json FROM audit_event ORDER BY seq")
        ).all()
    return [(a, b, c, json.loads(d)) for a, b, c, d in found if a in wanted]


def test_a_snapshot_is_logged_and_not_kept_whatever_was_allowed(store: Store) -> None:
    consent = agree(store, ALL).consent
    result = show(store, consent)
    assert result.error is None
    assert np.asarray(result.image_rgb).shape == (512, 512, 3)
    ((_, actor, _, details),) = rows_of(store, "ANALYSED")
    assert actor == f"person:{consent.pseudonym}"
    assert details == {
        "model": "test-model", "faces": 0, "way": "snapshot",
        "kept_result": False, "kept_image": False,
    }  # fmt: skip
    assert (counts(store)["analysis"], counts(store)["stored_image"]) == (0, 0)
    assert [path for path in files(store) if path.parent != store.vault.keys_dir] == []
    assert verified(store).ok


def test_what_was_withdrawn_meanwhile_is_neither_shown_nor_logged(store: Store) -> None:
    consent = agree(store).consent
    result = show(store, consent, StubAnalyzer(lambda: withdraw(store, consent)))
    assert isinstance(result.error, ConsentWithdrawnError)
    assert result.analysis is None
    assert result.image_rgb is None
    assert "ANALYSED" not in actions(store)


def test_what_cannot_be_logged_is_not_shown(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    consent = agree(store).consent

    def full(*_: object, **__: object) -> None:
        raise StoreFullError("There is no space left.")

    monkeypatch.setattr("services.analysis.in_passing.record_unkept", full)
    assert show(store, consent).analysis is None
    refused = clip_in_passing("a", lambda: CLIP, model_id="m", store=store, consent=consent)
    assert isinstance(refused.error, StoreFullError)
    assert refused.n_frames == 0


def test_a_refused_picture_is_no_analysis(store: Store) -> None:
    result = show(store, agree(store).consent, data=PHOTO[:2000])
    assert isinstance(result.error, DamagedImageError)
    assert "ANALYSED" not in actions(store)


def test_a_clip_is_one_row_with_its_frames(store: Store) -> None:
    consent = agree(store).consent
    shown = clip_in_passing(
        "a.mp4", lambda: CLIP, model_id="test-model", store=store, consent=consent
    )
    assert shown is CLIP
    ((_, _, _, details),) = rows_of(store, "ANALYSED")
    assert (details["way"], details["frames"], details["faces"]) == ("clip", 120, 0)
    bad = replace(CLIP, error=DamagedImageError("It is damaged."))
    clip_in_passing("a.mp4", lambda: bad, model_id="m", store=store, consent=consent)
    assert len(rows_of(store, "ANALYSED")) == 1


def test_a_clip_is_not_begun_without_a_consent(store: Store) -> None:
    consent = agree(store).consent
    withdraw(store, consent)

    def never() -> ClipResult:
        raise AssertionError("analysed without a consent")

    result = clip_in_passing("a.mp4", never, model_id="m", store=store, consent=consent)
    assert isinstance(result.error, ConsentWithdrawnError)


def test_a_live_video_is_logged_before_its_first_frame_and_once_at_its_end(store: Store) -> None:
    consent = agree(store).consent
    record = LiveRecord(store, consent, model_id="test-model")
    ((_, _, began, details),) = rows_of(store, "ANALYSED")
    assert details["way"] == "live"
    # Taking the consent back is what ends many a video; its end is logged all the same.
    withdraw(store, consent)
    record.end(frames=90, faces=2)
    record.end(frames=91, faces=2)
    ((_, actor, ended, details),) = rows_of(store, "LIVE_ENDED")
    assert (ended, details) == (began, {"frames": 90, "faces": 2})
    assert actor == f"person:{consent.pseudonym}"
    assert verified(store).ok


def test_a_live_video_that_is_not_allowed_does_not_begin(store: Store) -> None:
    consent = agree(store).consent
    withdraw(store, consent)
    with pytest.raises(ConsentWithdrawnError):
        LiveRecord(store, consent, model_id="test-model")
    assert "ANALYSED" not in actions(store)


def test_an_end_that_cannot_be_logged_stops_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    record = LiveRecord(store, agree(store).consent, model_id="test-model")

    def full(_: Store) -> None:
        raise StoreFullError("There is no space left.")

    monkeypatch.setattr(type(store), "write", full)
    record.end(frames=1, faces=0)
    assert "could not be logged" in caplog.text


class Stopped(BaseException):
    """As Streamlit stops a page: nothing that `except Exception` would catch."""


def test_an_audit_that_is_stopped_halfway_is_in_the_log(store: Store) -> None:
    given = agree(store, Choices(analyse=True))
    record = AuditRecord(store, given.consent, model_ids=["a", "b"], pictures=40)

    def stopped_halfway() -> None:
        with record:
            assert actions(store)[-2:] == ["ANALYSED", "ANALYSED"]  # before the first picture
            record.judged(7)
            raise Stopped

    with pytest.raises(Stopped):
        stopped_halfway()
    with store.read() as look:
        last = audit.last_row(look.session)
    assert last is not None
    assert (last.action, last.details_json) == ("AUDIT_ENDED", '{"judgements":7,"stopped":true}')
    withdraw(store, given.consent)
    rows = len(actions(store))
    with pytest.raises(ConsentWithdrawnError):
        AuditRecord(store, given.consent, model_ids=["a"], pictures=1)
    assert len(actions(store)) == rows


KILLED = """
import os, signal, sys
from pathlib import Path
from db.store import open_store
from services.analysis.in_passing import AuditRecord
store = open_store(Path(sys.argv[1]))
with AuditRecord(store, None, model_ids=["a"], pictures=40) as record:
    record.judged(7)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_audit_leaves_its_beginning_and_a_whole_log(sqlite_store: Store) -> None:
    command = [sys.executable, "-c", KILLED, str(sqlite_store.data_dir)]
    done = subprocess.run(command, cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert actions(sqlite_store)[-1] == "ANALYSED"
    assert verified(sqlite_store).ok
