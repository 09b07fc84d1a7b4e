import json
import math
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from core.types import EmotionScores
from db.types import Choices, Consent, Kind
from services.analysis.records import record_analysis
from services.observe import add_observer, remove_observer
from services.operations.checks import Check
from services.operations.probes import ProbeServer
from services.operations.prometheus import Metrics
from services.person.consent import current_notice, give
from services.person.purge import purge, purge_lag_s
from services.store import Store
from tests.db.fixtures import FakeClock


@pytest.fixture
def metrics(store: Store) -> Iterator[Metrics]:
    made = Metrics(lambda: store)
    add_observer(made)
    yield made
    remove_observer(made)


@pytest.fixture
def checks() -> list[Check]:
    return [Check("models", "good", "fine"), Check("disk", "note", "small")]


@pytest.fixture
def server(metrics: Metrics, checks: list[Check]) -> Iterator[ProbeServer]:
    made = ProbeServer(metrics, lambda: checks)
    yield made
    made.stop()


def get(server: ProbeServer, path: str) -> tuple[int, str]:
    try:
        url = f"http://127.0.0.1:{server.port}{path}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def values(server: ProbeServer) -> dict[tuple[str, str], float]:
    """(name, value of the only label) -> value, as Prometheus' own parser reads it."""
    status, text = get(server, "/metrics")
    assert status == 200
    return {
        (sample.name, "".join(v for k, v in sample.labels.items() if k != "le")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_bucket")
    }


def keep_one(store: Store) -> Consent:
    given = give(
        store,
        Choices(analyse=True, keep_result=True),
        context="personal",
        notice_id=current_notice(store).id,
    )
    result = {"faces": [{"top": EmotionScores.__name__}]}
    record_analysis(
        store, given.consent, model_id="m", face_count=1, result=result, image_rgb=None
    )
    return given.consent


def test_what_services_do_is_counted(metrics: Metrics, server: ProbeServer) -> None:
    metrics.photo_analysed({"decode": 20.0, "total": 60.0}, 3)
    metrics.photo_analysed({"decode": 40.0, "total": 90.0}, 0)
    metrics.photo_refused("empty_file")
    metrics.queue_changed(7)
    metrics.frame_analysed(50.0)
    metrics.frames_dropped(4)
    found = values(server)
    assert found["mien_photos_total", ""] == 2
    assert found["mien_faces_total", ""] == 3
    assert found["mien_step_seconds_count", "decode"] == 2
    assert found["mien_step_seconds_sum", "decode"] == pytest.approx(0.06)
    assert found["mien_step_seconds_sum", "total"] == pytest.approx(0.15)
    assert found["mien_refusals_total", "empty_file"] == 1
    assert found["mien_queue_length", ""] == 7
    assert found["mien_running", ""] == 0
    assert found["mien_frames_dropped_total", ""] == 4
    assert found["mien_frame_seconds_sum", ""] == pytest.approx(0.05)
    assert found["process_resident_memory_bytes", ""] > 0


def test_purge_lag_grows_until_the_purge(
    store: Store, clock: FakeClock, metrics: Metrics, server: ProbeServer
) -> None:
    keep_one(store)
    assert purge_lag_s(store) == 0
    clock.forward(days=30, hours=2)
    assert purge_lag_s(store) == pytest.approx(2 * 3600)
    assert values(server)["mien_purge_lag_seconds", ""] == pytest.approx(2 * 3600)
    purge(store)
    found = values(server)
    assert found["mien_purge_lag_seconds", ""] == 0
    assert found["mien_purges_total", "done"] == 1
    assert found["mien_purged_items_total", ""] >= 1
    assert found["mien_erasures_unfinished", ""] == 0


def test_a_stricter_policy_makes_items_overdue_from_its_own_end(
    store: Store, clock: FakeClock
) -> None:
    from services.admin.review import set_retention
    from services.admin.sign_in import OPERATOR

    keep_one(store)
    clock.forward(days=10)
    set_retention(store, Kind.RESULT, 4, admin=OPERATOR)
    assert purge_lag_s(store) == pytest.approx(6 * 24 * 3600)


def test_a_purge_elsewhere_and_a_failed_one_are_told_apart(
    store: Store, metrics: Metrics, server: ProbeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from db.consent.purge import _lease

    with _lease(store):
        purge(store)
    monkeypatch.setattr("db.consent.purge.find_expired", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        purge(store)
    found = values(server)
    assert found["mien_purges_total", "skipped"] == 1
    assert found["mien_purges_total", "failed"] == 1


def test_without_a_store_the_lag_is_unknown() -> None:
    server = ProbeServer(Metrics(), lambda: [])
    try:
        assert math.isnan(values(server)["mien_purge_lag_seconds", ""])
    finally:
        server.stop()


def test_live_and_ready(server: ProbeServer, checks: list[Check]) -> None:
    assert get(server, "/live")[0] == 200
    status, body = get(server, "/ready")
    assert status == 200
    assert json.loads(body) == {"ready": True, "checks": {"models": "good", "disk": "note"}}
    checks.append(Check("database", "bad", "gone"))
    status, body = get(server, "/ready")
    assert status == 503
    assert json.loads(body)["checks"]["database"] == "bad"
    assert get(server, "/../../etc/passwd")[0] == 404


def test_a_check_that_breaks_means_not_ready(metrics: Metrics) -> None:
    def broken() -> Iterator[Check]:
        yield Check("models", "good", "fine")
        raise RuntimeError("something with a name in it")

    server = ProbeServer(metrics, broken)
    try:
        status, body = get(server, "/ready")
    finally:
        server.stop()
    assert status == 503
    assert "name" not in body
