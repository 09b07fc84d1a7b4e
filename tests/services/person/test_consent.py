from itertools import product

import pytest

from db.consent import subjects
from db.errors import (
    ClockBackwardsError,
    ConsentExpiredError,
    ConsentMissingError,
    ConsentOutdatedError,
    NoPolicyError,
    UnknownCodeError,
    UseRefusedError,
)
from db.policy import notices
from db.store import Store
from db.types import Choices, Consent, Kind, Purpose
from services.person.consent import (
    check,
    current_notice,
    current_policy,
    days_offered,
    give,
    resume,
    withdraw,
)
from services.person.context_of_use import CONTEXTS
from services.person.export import look_up
from tests.db.fixtures import FakeClock, Opener
from tests.db.tools import ALL, actions, agree, analyse, counts, dump, files

ANALYSE_ONLY = Choices(analyse=True)


@pytest.mark.parametrize("answers", list(product([False, True], repeat=4)))
def test_each_combination_of_purposes_stores_exactly_what_was_allowed(
    store: Store, answers: tuple[bool, ...]
) -> None:
    choices = Choices(*answers)
    given = agree(store, choices)
    if choices.analyse:
        kept = analyse(store, given.consent)
        assert (kept.analysis_id is not None) == choices.keep_result
        assert (kept.image_id is not None) == choices.keep_image
    else:
        with pytest.raises(ConsentMissingError, match="Analyse now"):
            analyse(store, given.consent)

    rows = counts(store)
    keeps = choices.analyse and (choices.keep_result or choices.keep_image)
    assert rows["subject"] == rows["consent_record"] == keeps
    assert rows["analysis"] == (choices.analyse and choices.keep_result)
    assert rows["stored_image"] == (choices.analyse and choices.keep_image)
    assert rows["consent_event"] == 4
    assert (given.code is not None) == keeps
    kinds = [choices.keep_result, choices.keep_image]
    assert len(files(store)) == (sum(kinds) + choices.keep_image if choices.analyse else 0)


def test_an_analysis_without_keeping_leaves_only_events_and_audit_rows(store: Store) -> None:
    before = counts(store)
    given = agree(store, ANALYSE_ONLY, signed_name="Ada Lovelace")
    analyse(store, given.consent, result={"secret": "needle-in-result"})
    grown = {name for name, count in counts(store).items() if count != before[name]}
    assert grown == {"consent_event", "audit_event"}
    assert "Lovelace" not in dump(store)
    assert "needle" not in dump(store)
    assert given.consent.record_id not in dump(store)
    assert files(store) == []


@pytest.mark.parametrize("key", list(CONTEXTS))
def test_each_context_of_use_is_allowed_or_refused_with_the_reason(store: Store, key: str) -> None:
    before = counts(store)
    notice_id = current_notice(store).id
    context = CONTEXTS[key]
    if context.allowed:
        assert give(store, ANALYSE_ONLY, context=key, notice_id=notice_id).consent.context == key
        return
    with pytest.raises(UseRefusedError, match="prohibited in the European Union"):
        give(store, ALL, context=key, notice_id=notice_id)
    assert actions(store)[-1] == "USE_REFUSED_ART5"
    assert counts(store) == before | {"audit_event": before["audit_event"] + 1}
    assert files(store) == []


def test_work_and_education_are_the_refused_ones() -> None:
    assert {key for key, value in CONTEXTS.items() if not value.allowed} == {"work", "education"}
    assert all(context.laws for context in CONTEXTS.values())


def test_an_unknown_context_is_refused(store: Store) -> None:
    with pytest.raises(UseRefusedError, match="what this is for"):
        give(store, ALL, context="", notice_id=current_notice(store).id)
    assert counts(store)["consent_event"] == 0


def test_a_consent_survives_reopening(store: Store, open_again: Opener) -> None:
    given = agree(store)
    store.close()
    assert check(open_again(), given.consent) == frozenset(Purpose)


def test_a_consent_that_the_session_made_up_allows_nothing(store: Store) -> None:
    real = agree(store).consent
    forged = Consent(**{**vars(real), "pseudonym": "0" * 32})
    with pytest.raises(ConsentMissingError):
        analyse(store, forged)


def test_claiming_more_choices_than_were_given_keeps_nothing_more(store: Store) -> None:
    real = agree(store, ANALYSE_ONLY).consent
    greedy = Consent(**{**vars(real), "choices": ALL, "subject_id": "0" * 32})
    assert analyse(store, greedy) == type(analyse(store, real))(None, None)


def test_a_visit_ends_after_twelve_hours(store: Store, clock: FakeClock) -> None:
    given = agree(store, ANALYSE_ONLY)
    clock.forward(hours=12, seconds=-1)
    check(store, given.consent)
    clock.forward(seconds=1)
    with pytest.raises(ConsentExpiredError, match="run out"):
        check(store, given.consent)


def test_a_changed_notice_asks_again_and_old_receipts_still_resolve(
    store: Store, open_again: Opener, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    old = current_notice(store)
    given = agree(store)
    for path in notices.TEXTS_DIR.glob("*.md"):
        (tmp_path / path.name).write_text(path.read_text("utf-8") + "\nNew.\n", "utf-8")
    monkeypatch.setattr(notices, "TEXTS_DIR", tmp_path)
    later = open_again()

    with pytest.raises(ConsentOutdatedError, match="notice changed"):
        check(later, given.consent)
    with pytest.raises(ConsentOutdatedError, match="notice changed"):
        give(later, ALL, context="personal", notice_id=old.id)
    new = current_notice(later)
    assert (old.version, new.version) == (1, 2)
    assert new.sha256 != old.sha256
    view = look_up(later, given.code or "")
    assert view.notice == old
    assert (
        notices.text_hash(view.notice.text)
        == given.receipt["processing"]["privacy_notice"]["sha256"]
    )


def test_without_a_published_policy_nothing_may_be_stored(store: Store) -> None:
    with store.write() as unit:
        from sqlalchemy import delete

        from db.tables import NoticeRow

        unit.session.execute(delete(NoticeRow).where(NoticeRow.kind == "policy"))
    with pytest.raises(NoPolicyError, match="published"):
        agree(store)
    assert counts(store)["consent_event"] == 0


def test_an_unknown_notice_is_refused(store: Store) -> None:
    with pytest.raises(NoPolicyError, match="does not exist"):
        give(store, ALL, context="personal", notice_id="0" * 32)
    with pytest.raises(NoPolicyError, match="language"):
        current_notice(store, "tlh")


def test_the_policy_says_the_days_in_force(store: Store) -> None:
    assert "| Kept image | 30 days after it was stored |" in current_policy(store).text
    assert days_offered(store) == {Kind.RESULT: 30, Kind.IMAGE: 30}


def test_a_clock_set_back_promises_nothing(store: Store, clock: FakeClock) -> None:
    given = agree(store)
    clock.forward(minutes=-4)
    analyse(store, given.consent)  # a small correction is fine
    clock.forward(days=-30)
    with pytest.raises(ClockBackwardsError, match="clock was set back"):
        agree(store)
    with pytest.raises(ClockBackwardsError, match="clock was set back"):
        analyse(store, given.consent)
    withdraw(store, given.consent)  # taking back is always possible
    assert counts(store)["subject"] == 0


def test_a_person_comes_back_with_the_code(store: Store, open_again: Opener) -> None:
    given = agree(store, ALL, signed_name="Ada")
    analyse(store, given.consent)
    typed = (given.code or "").lower().replace("-", " ").replace("0", "o")
    elsewhere = open_again()
    assert resume(elsewhere, typed) == given.consent
    view = look_up(elsewhere, typed)
    assert view.signed_name == "Ada"
    assert len(view.analyses) == len(view.images) == 1
    with pytest.raises(UnknownCodeError, match="20 characters"):
        resume(elsewhere, "AAAAA-AAAAA-AAAAA-AAAAA")


def test_refusing_everything_is_written_down(store: Store) -> None:
    given = agree(store, Choices())
    assert actions(store)[-1] == "CONSENT_REFUSED"
    assert given.code is None
    with pytest.raises(ConsentMissingError):
        check(store, given.consent)


def test_a_kind_with_zero_days_is_not_kept_though_agreed_to(store: Store) -> None:
    from db.types import AdminIdentity
    from services.admin.review import set_retention

    set_retention(store, Kind.IMAGE, 0, admin=AdminIdentity("admin:0", "ada", "password"))
    given = agree(store)
    kept = analyse(store, given.consent)
    assert kept.image_id is None
    assert kept.analysis_id is not None
    assert given.consent.promised_days == {Kind.RESULT: 30}


def test_a_person_of_whom_nothing_may_be_kept_gets_no_code(store: Store) -> None:
    """Whoever wrote such a program would promise a way back to nothing."""
    consent = agree(store, ANALYSE_ONLY).consent
    with pytest.raises(ValueError, match="has no subject"), store.write() as unit:
        subjects.add(unit, store.vault, store.keys, consent)
    assert counts(store)["subject"] == 0
    assert files(store) == []
