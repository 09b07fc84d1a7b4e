import contextlib
import csv
import io
from datetime import date, timedelta

from db.audit.log import Action, AuditFilter
from db.errors import SignInError, UseRefusedError
from db.store import Store
from db.types import AdminIdentity, Choices, ConsentState, Kind, Purpose
from db.views import statistics
from services.admin import sentences
from services.admin.review import (
    audit_csv,
    consent_rates,
    consent_states,
    consents,
    consents_csv,
    erasure_jobs,
    evaluation_items,
    holdings,
    log_entries,
    retention_history,
    retention_policies,
    set_retention,
    today,
)
from services.admin.sign_in import OPERATOR, create_admin, current, sign_in, sign_out
from services.person.consent import erase, give, withdraw
from services.person.context_of_use import CONTEXTS
from services.person.export import export
from services.person.purge import purge
from services.store import reanchor, summary
from tests.db.fixtures import QUICK_HASHER, START, FakeClock
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
    page, total = log_entries(store, AuditFilter(action="CONSENT_GIVEN"), rows=2)
    assert (len(page), total) == (2, 5)
    last, _ = log_entries(store, AuditFilter(action="CONSENT_GIVEN"), page=2, rows=2)
    assert len(last) == 1
    assert log_entries(store)[1] == len(actions(store))


def test_the_audit_csv_reads_back_and_is_logged(store: Store) -> None:
    agree(store)
    expected = [entry.row for entry in log_entries(store)[0]][::-1]
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
            log_entries(store),
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


def test_every_consent_is_a_row_in_its_present_state(store: Store, clock: FakeClock) -> None:
    kept = agree(store)
    clock.forward(minutes=1)
    visit = agree(store, Choices(analyse=True))
    clock.forward(minutes=1)
    agree(store, Choices())
    clock.forward(minutes=1)
    gone = agree(store)
    withdraw(store, kept.consent, {Purpose.EVALUATION})
    erase(store, gone.code or "")
    page = consents(store)
    assert page.total == 4
    assert [row.given_at for row in page.rows] == sorted(
        (row.given_at for row in page.rows), reverse=True
    )
    erased, refused, passing, partly = page.rows
    assert (erased.state, erased.allowed, erased.ended_at) == (
        ConsentState.WITHDRAWN,
        (),
        clock.now,
    )
    assert erased.agreed == tuple(Purpose)
    assert (refused.state, refused.agreed, refused.ended_at) == (ConsentState.REFUSED, (), None)
    assert passing.agreed == passing.allowed == (Purpose.ANALYSE,)
    assert (passing.context, passing.valid_until) == ("personal", visit.consent.valid_until)
    assert partly.pseudonym == kept.consent.pseudonym
    assert partly.allowed == (Purpose.ANALYSE, Purpose.KEEP_RESULT, Purpose.KEEP_IMAGE)
    clock.forward(hours=12)
    passing = consents(store).rows[2]
    assert (passing.state, passing.ended_at) == (
        ConsentState.EXPIRED,
        visit.consent.valid_until,
    )
    assert [row.pseudonym for row in consents(store, limit=2).rows] == [
        row.pseudonym for row in page.rows[:2]
    ]

    table = list(csv.DictReader(io.StringIO(consents_csv(store, admin=ADMIN))))
    assert [row["pseudonym"] for row in table] == [row.pseudonym for row in page.rows]
    assert table[3]["allowed"] == "analyse keep_result keep_image"
    assert actions(store)[-1] == "ADMIN_EXPORTED"


def test_today_counts_what_happened_and_what_is_due(store: Store, clock: FakeClock) -> None:
    assert today(store).last_purge_at is None
    person = agree(store)
    analyse(store, person.consent)
    agree(store, Choices())
    purge(store)
    seen = today(store)
    assert (seen.given, seen.refused, seen.withdrawn, seen.due) == (1, 1, 0, ())
    assert seen.last_purge_at == clock.now
    clock.forward(days=25)
    analyse(store, person.consent)
    withdraw(store, person.consent, {Purpose.EVALUATION})
    seen = today(store)
    assert (seen.given, seen.refused, seen.withdrawn) == (0, 0, 1)
    # The record lives as long as the second photo, which goes on day 55.
    first_end = date(2026, 3, 31)
    assert [(row.day, row.results, row.images, row.records) for row in seen.due] == [
        (first_end, 1, 1, 0)
    ]
    with store.read() as look:
        due = statistics.due(look.session, look.now, 60)
    assert [row.records for row in due] == [0, 1]
    create_admin(store, "ada", "correct horse battery", by="operator", hasher=QUICK_HASHER)
    for _ in range(5):
        with contextlib.suppress(SignInError):
            sign_in(store, "ada", "wrong password!", hasher=QUICK_HASHER)
    seen = today(store)
    assert (seen.failed_sign_ins, seen.locked_accounts) == (5, 1)
    clock.forward(days=1, seconds=1)
    assert today(store).failed_sign_ins == 0


def test_retention_settings_have_a_history_with_names(store: Store, clock: FakeClock) -> None:
    assert retention_history(store) == ()
    admin = create_admin(store, "ada", "correct horse battery", by="operator", hasher=QUICK_HASHER)
    identity = AdminIdentity(f"admin:{admin.id}", admin.name, "password")
    set_retention(store, Kind.IMAGE, 10, admin=identity)
    clock.forward(hours=1)
    set_retention(store, Kind.RESULT, 0, admin=OPERATOR)
    changes = retention_history(store)
    assert [(row.kind, row.days_before, row.days, row.by) for row in changes] == [
        (Kind.RESULT, 30, 0, "the operator"),
        (Kind.IMAGE, 30, 10, "ada"),
    ]
    assert [row.at for row in changes] == [START + timedelta(hours=1), START]


def test_the_log_reads_as_sentences(store: Store, clock: FakeClock) -> None:
    admin = create_admin(store, "ada", "correct horse battery", by="operator", hasher=QUICK_HASHER)
    token = sign_in(store, "ada", "correct horse battery", hasher=QUICK_HASHER)
    identity = current(store, token)
    set_retention(store, Kind.IMAGE, 1, admin=identity)
    person = agree(store, Choices(analyse=True, keep_image=True))
    analyse(store, person.consent)
    export(store, person.code or "")
    with contextlib.suppress(UseRefusedError):
        give(store, Choices(), context="work", notice_id="")
    agree(store, Choices())
    audit_csv(store, None, admin=identity)
    sign_out(store, token)
    withdraw(store, person.consent)
    clock.forward(days=3)
    agree(store)
    clock.forward(days=40)
    purge(store)
    with contextlib.suppress(SignInError):
        sign_in(store, "nobody", "wrong password!", hasher=QUICK_HASHER)
    reanchor(store)
    entries, total = log_entries(store, rows=200)
    assert total == len(entries) == len(actions(store))
    said = [entry.sentence for entry in reversed(entries)]
    who = f"Person {person.consent.pseudonym[:8]}"
    for expected in (
        "Mien made this store.",
        "The operator added the admin ada.",
        "Ada signed in.",
        "Ada changed kept images from 30 to 1 day.",
        f"{who} agreed to analyse now and keep the image; {CONTEXTS['personal'].label}.",
        f"{who} had a photo analysed (test-model): 1 face; the image kept.",
        f"{who} took their data: 0 results, 1 image.",
        f"Somebody was refused because of the use: {CONTEXTS['work'].label}.",
        "Ada took the log.",
        f"Everything of {who[0].lower()}{who[1:]} is to go (consent taken back).",
        "An erasure is done: 1 image, 1 consent record and 1 receipt code deleted.",
        "1 consent record, 1 receipt code and 1 note of an erasure went because the time "
        "was over.",
        "Somebody tried to sign in with a name that does not exist.",
        "Ada signed out.",
        "The operator accepted the end of the log and the clock.",
    ):
        assert expected in said
    # An admin's id stands in the row and never in a sentence; every action has words of its own.
    assert not any(admin.id in words for words in said)
    assert set(sentences._SENTENCES) == set(Action)
