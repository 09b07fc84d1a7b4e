import pytest

from db.errors import (
    ConsentWithdrawnError,
    UnknownCodeError,
)
from db.store import Store
from db.types import Choices, ConsentState, Purpose
from services.person.consent import (
    check,
    withdraw,
    withdraw_by_code,
)
from services.person.export import look_up, read_image
from tests.db.fixtures import Opener
from tests.db.tools import IMAGE, actions, agree, analyse, counts, files, verified

ANALYSE_ONLY = Choices(analyse=True)


KEEPING_TABLES = ("subject", "consent_record", "analysis", "stored_image")


def test_withdrawing_between_analysis_and_write_leaves_nothing(
    store: Store, open_again: Opener
) -> None:
    given = agree(store)
    assert Purpose.KEEP_IMAGE in check(store, given.consent)  # the page asked before analysing
    withdraw(open_again(), given.consent)
    with pytest.raises(ConsentWithdrawnError, match="took your consent back"):
        analyse(store, given.consent)
    assert {name: counts(store)[name] for name in KEEPING_TABLES} == dict.fromkeys(
        KEEPING_TABLES, 0
    )
    assert files(store) == []


ONE_KEPT = [
    ({Purpose.KEEP_IMAGE}, (1, 0), {Purpose.ANALYSE, Purpose.KEEP_RESULT, Purpose.EVALUATION}),
    ({Purpose.KEEP_RESULT}, (0, 1), {Purpose.ANALYSE, Purpose.KEEP_IMAGE, Purpose.EVALUATION}),
    (
        {Purpose.EVALUATION},
        (1, 1),
        {Purpose.ANALYSE, Purpose.KEEP_RESULT, Purpose.KEEP_IMAGE},
    ),
    (set(), (1, 1), set(Purpose)),
]


@pytest.mark.parametrize(("purposes", "left", "given_after"), ONE_KEPT)
def test_withdrawing_one_purpose_removes_what_it_kept_and_nothing_else(
    store: Store, purposes: set[Purpose], left: tuple[int, int], given_after: set[Purpose]
) -> None:
    given = agree(store)
    other = agree(store)
    for consent in (given.consent, other.consent):
        analyse(store, consent)
    code = given.code or ""
    withdrawn = withdraw_by_code(store, code, purposes)
    view = look_up(store, code)
    assert (len(view.analyses), len(view.images)) == left
    for image in view.images:
        assert read_image(store, code, image.id) == IMAGE
    assert {p for p, state in view.states.items() if state is ConsentState.GIVEN} == given_after
    assert set(withdrawn.purposes) == purposes
    assert (withdrawn.job is not None) == (left != (1, 1))
    assert withdrawn.job is None or withdrawn.job.done
    others = look_up(store, other.code or "")
    assert len(others.analyses) == len(others.images) == 1
    kept = analyse(store, given.consent)  # what is left is still allowed
    assert (kept.analysis_id is not None, kept.image_id is not None) == (
        Purpose.KEEP_RESULT in given_after,
        Purpose.KEEP_IMAGE in given_after,
    )
    assert verified(store).ok


def test_withdrawing_all_that_is_kept_leaves_the_analysis_allowed(store: Store) -> None:
    given = agree(store)
    analyse(store, given.consent)
    withdraw(store, given.consent, {Purpose.KEEP_IMAGE})
    withdrawn = withdraw(store, given.consent, {Purpose.KEEP_RESULT})
    assert withdrawn.job is not None
    assert withdrawn.job.done
    assert counts(store)["subject"] == 0
    assert files(store) == []
    assert check(store, given.consent) == {Purpose.ANALYSE}
    assert analyse(store, given.consent).analysis_id is None


def test_withdrawing_the_analysis_takes_all_back(store: Store) -> None:
    given = agree(store)
    analyse(store, given.consent)
    withdrawn = withdraw(store, given.consent, {Purpose.ANALYSE})
    assert set(withdrawn.purposes) == set(Purpose)
    assert {name: counts(store)[name] for name in KEEPING_TABLES} == dict.fromkeys(
        KEEPING_TABLES, 0
    )
    with pytest.raises(UnknownCodeError):
        look_up(store, given.code or "")


def test_withdrawing_where_nothing_is_kept_and_twice(store: Store) -> None:
    given = agree(store, ANALYSE_ONLY)
    first = withdraw(store, given.consent)
    assert first.purposes == (Purpose.ANALYSE,)
    assert first.job is None
    again = withdraw(store, given.consent)
    assert again.purposes == ()
    assert actions(store).count("CONSENT_WITHDRAWN") == 1
    with pytest.raises(ConsentWithdrawnError):
        check(store, given.consent)
