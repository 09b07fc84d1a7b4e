"""A result that goes leaves no trace in the row of an image that stays."""

import pytest
from sqlalchemy import text

from db.consent.purge import purge
from db.store import Store
from db.types import AdminIdentity, Kind, Purpose
from services.admin.review import set_retention
from services.person.consent import withdraw
from tests.db.tools import agree, analyse
from tests.db.traces import found, found_in_rows

ADMIN = AdminIdentity("admin:0", "ada", "password")


def by_withdrawal(store: Store, consent) -> None:
    withdraw(store, consent, {Purpose.KEEP_RESULT})


def by_policy(store: Store, _consent) -> None:
    set_retention(store, Kind.RESULT, 0, admin=ADMIN)
    assert purge(store).done


@pytest.mark.parametrize("remove", [by_withdrawal, by_policy])
def test_the_id_of_a_result_goes_with_it(store: Store, remove) -> None:
    given = agree(store)
    kept = [analyse(store, given.consent) for _ in range(3)]
    ids = {str(item.analysis_id): bytes.fromhex(str(item.analysis_id)) for item in kept}
    assert found_in_rows(store, ids) == set(ids)
    remove(store, given.consent)
    assert found_in_rows(store, ids) == set()
    if store.engine.dialect.name == "sqlite":
        assert found(store.data_dir, ids) == set()
    with store.engine.connect() as connection:
        images = connection.execute(text("SELECT id, analysis_id FROM stored_image")).all()
    assert {row.id for row in images} == {item.image_id for item in kept}
    assert {row.analysis_id for row in images} == {None}
