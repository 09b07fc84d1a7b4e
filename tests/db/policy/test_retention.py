from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from db.consent.purge import PurgeReport, purge
from db.errors import RetentionBoundsError, UnknownCodeError
from db.policy import retention
from db.store import Store
from db.types import AdminIdentity, Choices, ConsentState, Kind, Purpose
from services.admin.review import preview_retention, retention_policies, set_retention
from services.person.consent import check, current_policy, erase
from services.person.export import look_up
from services.person.purge import purge_if_due
from services.store import reanchor
from tests.db.fixtures import FakeClock
from tests.db.tools import actions, agree, analyse, dump, files, verified
from tests.db.traces import found, found_in_rows, plant

ADMIN = AdminIdentity("admin:0123", "ada", "password")
NOTHING = PurgeReport()


# Each start is chosen so that the thirty days cross what the name says.
CALENDAR = [
    ("plain", datetime(2026, 5, 1, 12, tzinfo=UTC)),
    ("clocks go forward", datetime(2026, 3, 2, 12, tzinfo=ZoneInfo("Europe/Berlin"))),
    ("clocks go back", datetime(2026, 10, 1, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))),
    ("the hour that comes twice", datetime(2026, 9, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))),
    ("half an hour", datetime(2026, 9, 4, 2, 15, tzinfo=ZoneInfo("Australia/Lord_Howe"))),
    ("leap day", datetime(2028, 2, 10, 23, 59, 59, 999_999, tzinfo=UTC)),
    ("stored on a leap day", datetime(2028, 2, 29, tzinfo=UTC)),
    ("year end", datetime(2026, 12, 20, tzinfo=UTC)),
]


@pytest.mark.parametrize(("_name", "start"), CALENDAR)
def test_kept_to_the_last_second_and_gone_on_the_next(
    store: Store, clock: FakeClock, _name: str, start: datetime
) -> None:
    """Thirty days are thirty times 24 hours, also for a clock that shows local time."""
    clock.now = start
    person = plant(store)
    end = start.astimezone(UTC) + timedelta(days=30)
    clock.now = (end - timedelta(seconds=1)).astimezone(start.tzinfo)
    assert purge(store) == NOTHING
    assert len(look_up(store, person.code).images) == 1
    clock.now = end.astimezone(start.tzinfo)
    assert purge(store) == PurgeReport(images=1, analyses=1, subjects=1)
    assert found_in_rows(store, person.needles) == set()
    assert found(store.data_dir, person.needles) == set()
    assert actions(store)[-1] == "PURGED"
    assert verified(store).ok


def test_an_app_that_slept_for_a_week_shows_nothing_old(store: Store, clock: FakeClock) -> None:
    """No scheduler ran: the look itself hides what is over its time."""
    person = plant(store)
    clock.forward(days=37)
    view = look_up(store, person.code)
    assert (view.analyses, view.images) == ((), ())
    report = purge_if_due(store)
    assert report == PurgeReport(images=1, analyses=1, subjects=1)
    assert purge_if_due(store) is None
    with pytest.raises(UnknownCodeError):
        look_up(store, person.code)


def test_a_clock_set_back_does_not_bring_back_what_was_over(
    store: Store, clock: FakeClock
) -> None:
    person = plant(store)
    clock.forward(days=30)
    agree(store)  # the log has seen this day
    clock.forward(days=-20)
    assert look_up(store, person.code).images == ()
    # Hidden at once; destroyed only by a time that the clock confirms, for it may as well be the
    # one before that was wrong, and what is destroyed cannot be brought back.
    assert purge(store).images == 0
    assert look_up(store, person.code).images == ()
    clock.forward(days=20)
    assert purge(store).images == 1
    assert found(store.data_dir, person.needles) == set()
    assert verified(store).ok


@pytest.mark.parametrize("ahead_days", [1, 40, 3650])
def test_a_clock_that_ran_ahead_once_destroys_nothing(
    store: Store, clock: FakeClock, caplog: pytest.LogCaptureFixture, ahead_days: int
) -> None:
    person = plant(store)
    clock.forward(days=ahead_days)
    agree(store)  # one row of the false future
    clock.forward(days=-ahead_days)
    report = purge(store)
    assert (report.images, report.analyses, report.subjects) == (0, 0, 0)
    assert "later time than the clock shows" in caplog.text
    reanchor(store)
    assert len(look_up(store, person.code).images) == 1
    clock.forward(days=30)
    assert purge(store).images == 1
    assert found(store.data_dir, person.needles) == set()


def test_a_clock_that_jumps_by_years_is_followed_in_steps(
    store: Store, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    for kind in Kind:
        set_retention(store, kind, 1095, admin=ADMIN)
    purge(store)
    person = plant(store)
    clock.forward(days=3650)
    assert look_up(store, person.code).images == ()
    assert [purge(store).images for _ in range(3)] == [0, 0, 1]
    assert "more than a year after the last purge" in caplog.text
    assert found(store.data_dir, person.needles) == set()


def test_items_of_one_person_go_each_at_its_time(store: Store, clock: FakeClock) -> None:
    given = agree(store)
    analyse(store, given.consent)
    clock.forward(days=20)
    analyse(store, given.consent)
    clock.forward(days=10)
    report = purge(store)
    assert (report.images, report.analyses, report.subjects) == (1, 1, 0)
    assert len(look_up(store, given.code or "").images) == 1
    assert len(files(store)) == 3
    clock.forward(days=20)
    assert purge(store) == PurgeReport(images=1, analyses=1, subjects=1)
    assert files(store) == []


@pytest.mark.parametrize("kept", ["keep_result", "keep_image"])
def test_a_record_stays_as_long_as_one_item_under_it(
    store: Store, clock: FakeClock, kept: str
) -> None:
    given = agree(store, Choices(analyse=True, **{kept: True}))
    clock.forward(days=20)
    analyse(store, given.consent)
    clock.forward(days=30, seconds=-1)  # the consent ran out long ago, the item did not
    assert purge(store) == NOTHING
    view = look_up(store, given.code or "")
    assert len(view.analyses) + len(view.images) == 1
    clock.forward(seconds=1)
    assert purge(store).subjects == 1


def test_a_code_under_which_nothing_was_stored_runs_out(store: Store, clock: FakeClock) -> None:
    given = agree(store)
    clock.forward(days=30)
    assert purge(store).subjects == 1
    with store.read() as look:
        from db.consent import events as consent

        states = consent.states(look.session, given.consent.pseudonym)
    assert set(states.values()) == {ConsentState.EXPIRED}
    with pytest.raises(Exception, match="run out"):
        check(store, given.consent)


def test_a_stricter_policy_acts_at_once_and_a_laxer_one_never_prolongs(
    store: Store, clock: FakeClock
) -> None:
    person = plant(store)
    set_retention(store, Kind.IMAGE, 1095, admin=ADMIN)
    set_retention(store, Kind.RESULT, 10, admin=ADMIN)
    clock.forward(days=10, seconds=-1)
    assert purge(store) == NOTHING
    clock.forward(seconds=1)
    assert purge(store) == PurgeReport(analyses=1)
    clock.forward(days=20)
    assert purge(store) == PurgeReport(images=1, subjects=1)  # promised: thirty days
    assert found(store.data_dir, person.needles) == set()


def test_a_policy_of_zero_days_removes_all_of_that_kind(store: Store) -> None:
    given = agree(store)
    analyse(store, given.consent)
    set_retention(store, Kind.IMAGE, 0, admin=ADMIN)
    assert look_up(store, given.code or "").images == ()
    assert purge(store) == PurgeReport(images=1)
    assert analyse(store, given.consent).image_id is None


def test_after_a_cut_that_ends_the_record_nothing_more_is_kept(
    store: Store, clock: FakeClock
) -> None:
    given = agree(store)
    clock.forward(days=5)
    for kind in (Kind.IMAGE, Kind.RESULT):
        set_retention(store, kind, 4, admin=ADMIN)
    kept = analyse(store, given.consent)
    assert (kept.analysis_id, kept.image_id) == (None, None)
    assert purge(store).subjects == 1


@pytest.mark.parametrize("days", [0, 1, 30, 1095])
def test_days_within_bounds_are_taken(store: Store, days: int) -> None:
    assert set_retention(store, Kind.IMAGE, days, admin=ADMIN).days == days
    policy = next(row for row in retention_policies(store) if row.kind is Kind.IMAGE)
    assert (policy.days, policy.changed_by) == (days, ADMIN.actor)
    assert actions(store)[-2:] == ["RETENTION_CHANGED", "NOTICE_PUBLISHED"] or days == 30
    assert f"| Kept image | {days} days" in current_policy(store).text


@pytest.mark.parametrize("days", [-1, 1096, 10**9, 1.5, True, "30", None])
def test_days_out_of_bounds_are_refused(store: Store, days: Any) -> None:
    rows = dump(store)
    with pytest.raises(RetentionBoundsError, match="0 to 1095"):
        set_retention(store, Kind.IMAGE, days, admin=ADMIN)
    with pytest.raises(RetentionBoundsError, match="0 to 1095"):
        preview_retention(store, Kind.IMAGE, days)
    assert dump(store) == rows


def test_no_item_outlives_three_years_whatever_is_set(store: Store, clock: FakeClock) -> None:
    for kind in Kind:
        set_retention(store, kind, 1095, admin=ADMIN)
    person = plant(store)
    clock.forward(days=1095)
    assert purge(store).images == 1
    assert found(store.data_dir, person.needles) == set()


def test_the_preview_counts_what_a_change_would_remove(store: Store, clock: FakeClock) -> None:
    for _ in range(2):
        plant(store, "early")
    clock.forward(days=10)
    plant(store, "late")
    clock.forward(days=5)
    expected = [(0, 3, 0), (5, 3, 0), (6, 2, 1), (15, 2, 1), (16, 0, 3), (400, 0, 3)]
    for kind in (Kind.IMAGE, Kind.RESULT):
        for days, goes, stays in expected:
            preview = preview_retention(store, kind, days)
            assert (preview.goes, preview.stays, preview.days_now) == (goes, stays, 30)
    set_retention(store, Kind.IMAGE, 6, admin=ADMIN)
    assert purge(store).images == 2
    assert preview_retention(store, Kind.ERASURE_JOB, 0).goes == 1


def test_the_preview_counts_each_kind_for_itself(store: Store) -> None:
    for kind in Kind:
        preview = preview_retention(store, kind, 0)
        assert (preview.goes, preview.stays) == (0, 0)
    given = agree(store, Choices(analyse=True, keep_result=True))
    for _ in range(3):
        analyse(store, given.consent)
    person = plant(store)
    assert preview_retention(store, Kind.RESULT, 0).goes == 4
    assert preview_retention(store, Kind.IMAGE, 0).goes == 1
    assert preview_retention(store, Kind.RESULT, 30).stays == 4
    assert preview_retention(store, Kind.IMAGE, 30).stays == 1
    erase(store, person.code)
    assert preview_retention(store, Kind.ERASURE_JOB, 0).goes == 1
    assert preview_retention(store, Kind.ERASURE_JOB, 30).stays == 1


def test_withdrawing_one_kind_does_not_prolong_the_record(store: Store, clock: FakeClock) -> None:
    from services.person.consent import withdraw

    set_retention(store, Kind.RESULT, 5, admin=ADMIN)
    given = agree(store)
    withdraw(store, given.consent, {Purpose.KEEP_IMAGE})
    clock.forward(days=5)
    assert purge(store).subjects == 1


def test_policies_have_defaults_before_they_are_written() -> None:
    assert set(retention.DEFAULT_DAYS) == set(Kind)
    assert all(0 <= days <= retention.MAX_DAYS for days in retention.DEFAULT_DAYS.values())


def test_keeping_only_a_result_ends_with_the_result(store: Store, clock: FakeClock) -> None:
    given = agree(store, Choices(analyse=True, keep_result=True))
    analyse(store, given.consent)
    clock.forward(days=30)
    assert purge(store) == PurgeReport(analyses=1, subjects=1)
