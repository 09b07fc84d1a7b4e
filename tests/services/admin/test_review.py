import csv
import io
from datetime import date, timedelta

from db.audit.log import AuditFilter
from db.store import Store
from db.types import AdminIdentity, Choices, ConsentState, Kind, Purpose
from services.admin.review import (
    audit_csv,
    audit_page,
    consent_rates,
    consent_states,
    erasure_jobs,
    evaluation_items,
    holdings,
    retention_policies,
    set_retention,
)
from services.person.consent import withdraw
from services.person.erase import erase
from services.store import summary
from tests.db.fixtures import START, FakeClock
from tests.db.tools import ALL, IMAGE, RESULT, actions, agree, analyse
from tests.db.traces import found_in_rows, plant

ADMIN = AdminIdentity("admin:0", "ada", "password")


def test_an_empty_store_has_empty_reviews(store: Store) -> None:
    assert consent_rates(store) == ()
    assert consent_states(store) == ()
    assert [(row.kind, row.count, row.first_gone) for row in holdings(store)] == [
        (Kind.RESULT, 0, None),
        (Kind.IMAGE, 0, None),
    ]
    assert erasure_jobs(store) == ()
    assert list(evaluation_items(store, admin=ADMIN)) == []
    assert {row.kind: row.days for row in retention_policies(store)} == dict.fromkeys(Kind, 30)


def test_consent_rates_by_day_purpose_and_state(store: Store, clock: FakeClock) -> None:
    agree(store, Choices(analyse=True))
    agree(store, Choices())
    clock.now = START.replace(hour=23, minute=59, second=59)
    agree(store, ALL)
    clock.forward(seconds=1)
    agree(store, ALL)
    rates = {(row.day, row.purpose, row.state): row.count for row in consent_rates(store)}
    first, second = date(2026, 3, 1), date(2026, 3, 2)
    assert rates[first, Purpose.ANALYSE, ConsentState.GIVEN] == 2
    assert rates[first, Purpose.ANALYSE, ConsentState.REFUSED] == 1
    assert rates[first, Purpose.KEEP_IMAGE, ConsentState.REFUSED] == 2
    assert rates[second, Purpose.KEEP_IMAGE, ConsentState.GIVEN] == 1
    assert sum(rates.values()) == 16
    assert {row.day for row in consent_rates(store, days=0)} == {second}


def test_states_count_each_consent_once_as_it_is_now(store: Store, clock: FakeClock) -> None:
    person = agree(store)
    agree(store, Choices(analyse=True))
    withdraw(store, person.consent, {Purpose.EVALUATION})
    counts = {(row.purpose, row.state): row.count for row in consent_states(store)}
    assert counts == {
        (Purpose.ANALYSE, ConsentState.GIVEN): 2,
        (Purpose.KEEP_RESULT, ConsentState.GIVEN): 1,
        (Purpose.KEEP_RESULT, ConsentState.REFUSED): 1,
        (Purpose.KEEP_IMAGE, ConsentState.GIVEN): 1,
        (Purpose.KEEP_IMAGE, ConsentState.REFUSED): 1,
        (Purpose.EVALUATION, ConsentState.WITHDRAWN): 1,
        (Purpose.EVALUATION, ConsentState.REFUSED): 1,
    }
    clock.forward(hours=12)
    counts = {(row.purpose, row.state): row.count for row in consent_states(store)}
    assert counts[Purpose.ANALYSE, ConsentState.GIVEN] == 1
    assert counts[Purpose.ANALYSE, ConsentState.EXPIRED] == 1


def test_holdings_say_what_is_stored_and_when_it_goes(store: Store, clock: FakeClock) -> None:
    given = agree(store)
    analyse(store, given.consent)
    clock.forward(days=2)
    analyse(store, given.consent)
    analyse(store, given.consent)
    result, image = holdings(store)
    assert (result.kind, result.count, image.count) == (Kind.RESULT, 3, 3)
    assert image.first_gone == START + timedelta(days=30)
    assert image.last_gone == START + timedelta(days=32)
    assert image.gone_by_day == ((date(2026, 3, 31), 1), (date(2026, 4, 2), 2))
    on_disk = sum(
        path.stat().st_size for path in store.vault.images_dir.rglob("*") if path.is_file()
    )
    assert image.size_bytes == on_disk
    assert result.size_bytes > 0
    set_retention(store, Kind.IMAGE, 10, admin=ADMIN)
    assert holdings(store)[1].first_gone == START + timedelta(days=10)
    found = summary(store)
    assert (found.subjects, found.results, found.images) == (1, 3, 3)
    assert found.data_dir == store.data_dir


def test_the_audit_browser_pages_and_filters(store: Store) -> None:
    for _ in range(5):
        agree(store)
    page = audit_page(store, AuditFilter(action="CONSENT_GIVEN"), rows=2)
    assert (len(page.rows), page.total) == (2, 5)
    last = audit_page(store, AuditFilter(action="CONSENT_GIVEN"), page=2, rows=2)
    assert len(last.rows) == 1
    assert audit_page(store).total == len(actions(store))


def test_the_audit_csv_reads_back_and_is_logged(store: Store) -> None:
    agree(store)
    expected = audit_page(store).rows[::-1]
    rows = list(csv.DictReader(io.StringIO(audit_csv(store, None, admin=ADMIN))))
    assert [row["hash"] for row in rows] == [row.hash for row in expected]
    assert [row["details_json"] for row in rows] == [row.details_json for row in expected]
    assert actions(store)[-1] == "ADMIN_EXPORTED"
    filtered = audit_csv(store, AuditFilter(action="CONSENT_GIVEN"), admin=ADMIN)
    assert len(filtered.splitlines()) == 2


def test_reviews_hold_nothing_of_a_person(store: Store) -> None:
    person = plant(store)
    shown = repr(
        [
            consent_rates(store),
            consent_states(store),
            holdings(store),
            audit_page(store),
            summary(store),
        ]
    )
    for name, needle in person.needles.items():
        assert needle.hex() not in shown, name
    assert found_in_rows(store, person.needles)


def test_evaluation_gets_only_what_was_allowed_for_it(store: Store, clock: FakeClock) -> None:
    everything = agree(store)
    analyse(store, everything.consent)
    image_only = agree(store, Choices(analyse=True, keep_image=True, evaluation=True))
    analyse(store, image_only.consent)
    result_only = agree(store, Choices(analyse=True, keep_result=True, evaluation=True))
    analyse(store, result_only.consent)
    not_for_evaluation = agree(store, Choices(analyse=True, keep_result=True, keep_image=True))
    analyse(store, not_for_evaluation.consent)
    taken_back = agree(store)
    analyse(store, taken_back.consent)
    withdraw(store, taken_back.consent, {Purpose.EVALUATION})

    items = list(evaluation_items(store, admin=ADMIN))
    shapes = sorted((item.image is not None, item.result_json is not None) for item in items)
    assert shapes == [(False, True), (True, False), (True, True)]
    assert {item.image for item in items} == {IMAGE, None}
    assert all(item.result_json is None or "happiness" in item.result_json for item in items)
    assert "happiness" in str(RESULT)
    assert actions(store)[-1] == "ADMIN_EXPORTED"
    clock.forward(days=30)
    assert list(evaluation_items(store, admin=ADMIN)) == []


def test_removals_are_listed_newest_first(store: Store, clock: FakeClock) -> None:
    asked = []
    for seed in ("first", "second", "third"):
        erase(store, plant(store, seed).code)
        asked.append(clock.now)
        clock.forward(hours=1)
    assert [job.requested_at for job in erasure_jobs(store)] == asked[::-1]
