"""Who answers for the data is named where the law wants it, or is said not to be named."""

from dataclasses import replace

import jsonschema
import pytest

from core.config import Settings
from db.store import Store, open_store
from db.types import AdminIdentity, Controller, Kind
from services.admin.review import set_retention
from services.person.consent import check, current_notice, current_policy
from services.person.export import look_up
from services.person.receipt import receipt_of_subject
from services.store import controller_of
from tests.db.fixtures import FakeClock
from tests.db.tools import agree
from tests.services.person.test_export import SCHEMA

LAB = Controller("Face Lab", "1 North Road, York", "privacy@lab.example")
NOT_NAMED = "has not entered a name"


def test_settings_name_the_controller_in_one_line() -> None:
    settings = Settings(controller_name="Face\n  Lab", controller_contact="privacy@lab.example")
    assert controller_of(settings) == Controller("Face Lab", "", "privacy@lab.example")
    assert controller_of(settings).sentence == "Face Lab, contact: privacy@lab.example."
    assert NOT_NAMED in controller_of(Settings()).sentence


def test_texts_and_receipts_say_where_nobody_is_named(store: Store) -> None:
    for words in (current_notice(store).text, current_policy(store).text):
        assert NOT_NAMED in words
        assert "{" not in words
    receipt = agree(store).receipt
    jsonschema.validate(receipt, SCHEMA)
    assert "not set" in receipt["parties"][0]["party_name"]


def test_naming_the_controller_makes_new_texts_and_stays_in_them(
    store: Store, data_dir, database_url: str | None, clock: FakeClock
) -> None:
    before = agree(store)
    check(store, before.consent)
    url = database_url
    named = open_store(data_dir, database_url=url, clock=clock, controller=LAB)
    try:
        notice, policy = current_notice(named), current_policy(named)
        for words in (notice.text, policy.text):
            assert "Face Lab, 1 North Road, York, contact: privacy@lab.example." in words
            assert NOT_NAMED not in words
        assert (notice.version, policy.version) == (2, 2)
        # Who sees another notice is asked again; the old one still resolves.
        given = agree(named)
        assert given.receipt["parties"][0]["party_name"] == "Face Lab"
        view = look_up(named, given.code or "")
        record = receipt_of_subject(view, controller=named.controller)
        assert record["parties"] == given.receipt["parties"]
        # Another retention time changes the policy's days and nothing else of it.
        admin = AdminIdentity("admin:0", "ada", "password")
        set_retention(named, Kind.IMAGE, 7, admin=admin)
        assert "Face Lab" in current_policy(named).text
        assert current_notice(named) == notice
    finally:
        named.close()


@pytest.mark.parametrize("missing", ["address", "contact"])
def test_half_a_controller_is_told_as_far_as_it_goes(missing: str) -> None:
    half = replace(LAB, **{missing: ""})
    assert half.sentence.startswith("Face Lab, ")
    assert half.as_party()[f"party_{missing}"] == "not set"
