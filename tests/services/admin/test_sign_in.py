import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from db import admins
from db.consent.purge import purge
from db.errors import (
    AdminAccountError,
    LockedOutError,
    SessionEndedError,
    WrongPasswordError,
)
from db.store import Store
from db.tables import AdminSessionRow
from db.unit import ReadUnit
from services.admin.sign_in import (
    create_admin,
    current,
    list_admins,
    local_accounts_exist,
    set_admin_disabled,
    sign_in,
    sign_out,
)
from tests.db.fixtures import QUICK_HASHER, FakeClock, Opener
from tests.db.tools import actions, counts, dump, verified

PASSWORD = "correct horse battery"


@pytest.fixture
def admin(store: Store) -> str:
    return create_admin(store, " Ada ", PASSWORD, by="operator", hasher=QUICK_HASHER).name


def enter(store: Store, name: str = "ada", password: str = PASSWORD) -> str:
    return sign_in(store, name, password, hasher=QUICK_HASHER)


def fail(store: Store, times: int, name: str = "ada") -> None:
    for _ in range(times):
        with pytest.raises((WrongPasswordError, LockedOutError)):
            enter(store, name, "wrong password!")


def test_nobody_is_an_admin_at_first(store: Store) -> None:
    assert not local_accounts_exist(store)
    assert list_admins(store) == ()
    with pytest.raises(WrongPasswordError):
        enter(store)
    assert actions(store)[-1] == "SIGN_IN_FAILED"


def test_the_real_hash_is_argon2id_and_no_password_is_stored(store: Store) -> None:
    create_admin(store, "ada", PASSWORD, by="operator")
    rows = dump(store)
    assert "$argon2id$" in rows
    assert PASSWORD not in rows
    assert sign_in(store, "ada", PASSWORD)


def test_signing_in_survives_reopening_and_ends_with_signing_out(
    store: Store, admin: str, open_again: Opener
) -> None:
    token = enter(store, "ADA ")
    assert token not in dump(store)
    later = open_again()
    identity = current(later, token)
    assert (identity.name, identity.via) == (admin, "password")
    assert identity.actor.startswith("admin:")
    sign_out(later, token)
    sign_out(later, token)
    with pytest.raises(SessionEndedError, match="sign in again"):
        current(store, token)
    assert actions(store)[-3:] == ["ADMIN_CREATED", "SIGNED_IN", "SIGNED_OUT"]
    assert verified(store).ok


@pytest.mark.parametrize("token", ["", "x", "0" * 43])
def test_a_made_up_token_lets_nobody_in(store: Store, admin: str, token: str) -> None:
    with pytest.raises(SessionEndedError):
        current(store, token)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ada", ""),
        ("ada", PASSWORD + " "),
        ("ada", PASSWORD.upper()),
        ("ada", "x" * 5_000),
        ("mallory", PASSWORD),
        ("", ""),
    ],
)
def test_wrong_names_and_passwords_get_one_answer(
    store: Store, admin: str, name: str, password: str
) -> None:
    with pytest.raises(WrongPasswordError, match=r"^Name or password is wrong; try again\.$"):
        enter(store, name, password)
    assert actions(store)[-1] == "SIGN_IN_FAILED"
    assert "mallory" not in dump(store)


def test_an_unknown_name_costs_as_much_as_a_wrong_password(store: Store) -> None:
    """Processor time, with the real parameters of the hash."""
    create_admin(store, "ada", PASSWORD, by="operator")

    def cost_s(name: str) -> float:
        started = time.process_time()
        with pytest.raises(WrongPasswordError):
            sign_in(store, name, "wrong password!")
        return time.process_time() - started

    cost_s("warm up")
    pairs = [(cost_s("ada"), cost_s("nobody")) for _ in range(4)]
    known, unknown = (min(column) for column in zip(*pairs, strict=True))
    assert unknown < 1.25 * known
    assert known < 1.25 * unknown


def test_a_client_that_guesses_waits_whatever_names_it_tries(
    store: Store, admin: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def guess(name: str, client: str) -> None:
        sign_in(store, name, "wrong password!", client=client, hasher=QUICK_HASHER)

    for number in range(admins.MAX_CLIENT_FAILURES):
        with pytest.raises(WrongPasswordError):
            guess(f"name {number}", "192.0.2.7")
    assert actions(store)[-1] == "SIGN_IN_LOCKED"
    with monkeypatch.context() as patch:
        patch.setattr(admins, "_matches", lambda *_: pytest.fail("the processor was occupied"))
        rows = dump(store)
        with pytest.raises(LockedOutError, match="from here; wait 15 minutes"):
            guess("ada", "192.0.2.7")
        assert dump(store) == rows  # a locked client does not fill the log either
    with pytest.raises(WrongPasswordError):
        guess("ada", "192.0.2.8")
    clock.forward(minutes=15)
    with pytest.raises(WrongPasswordError):
        guess("ada", "192.0.2.7")
    assert "192.0.2" not in dump(store)


def test_strangers_cannot_lock_an_admin_out_for_good(store: Store, admin: str) -> None:
    sign_in(store, "ada", PASSWORD, client="198.51.100.1", hasher=QUICK_HASHER)
    for number in range(5):
        with pytest.raises((WrongPasswordError, LockedOutError)):
            sign_in(store, "ada", "guess " * 3, client=f"192.0.2.{number}", hasher=QUICK_HASHER)
    with pytest.raises(LockedOutError):
        sign_in(store, "ada", PASSWORD, client="192.0.2.9", hasher=QUICK_HASHER)
    assert sign_in(store, "ada", PASSWORD, client="198.51.100.1", hasher=QUICK_HASHER)


def test_five_failures_lock_for_fifteen_minutes(
    store: Store, admin: str, clock: FakeClock
) -> None:
    fail(store, 4)
    assert enter(store)  # a success starts the count anew
    fail(store, 4)
    with pytest.raises(LockedOutError, match="wait 15 minutes"):
        enter(store, password="wrong password!")
    assert actions(store)[-1] == "SIGN_IN_LOCKED"
    clock.forward(minutes=14, seconds=59)
    with pytest.raises(LockedOutError, match="wait 1 minutes"):
        enter(store)  # right, but locked
    clock.forward(seconds=1)
    assert enter(store)


def test_guesses_at_once_count_each(store: Store, admin: str, open_again: Opener) -> None:
    threads = [threading.Thread(target=fail, args=(open_again(), 2)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with pytest.raises(LockedOutError):
        enter(store)


def test_idle_and_absolute_time_outs(store: Store, admin: str, clock: FakeClock) -> None:
    token = enter(store)
    clock.forward(minutes=15, seconds=-1)
    current(store, token)  # counts as activity
    clock.forward(minutes=14)
    current(store, token)
    clock.forward(minutes=15)
    with pytest.raises(SessionEndedError, match="because of the time"):
        current(store, token)
    assert actions(store)[-1] == "SIGNED_OUT"

    token = enter(store)
    for _ in range(int(timedelta(hours=8) / timedelta(minutes=10)) - 1):
        clock.forward(minutes=10)
        current(store, token)
    clock.forward(minutes=10)
    with pytest.raises(SessionEndedError):
        current(store, token)


def test_a_sign_in_that_ends_while_it_is_looked_at_stays_ended(
    store: Store, admin: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two windows: one notes that its admin is still there, the other one signs out meanwhile."""
    token = enter(store)
    clock.forward(minutes=1)
    real = admins._ended

    def meanwhile(look: ReadUnit, row: AdminSessionRow) -> str:
        monkeypatch.setattr(admins, "_ended", real)
        sign_out(store, token)
        return real(look, row)

    monkeypatch.setattr(admins, "_ended", meanwhile)
    current(store, token)
    assert counts(store)["admin_session"] == 0
    with pytest.raises(SessionEndedError):
        current(store, token)


def test_a_sign_out_that_another_process_was_faster_with_is_logged_once(
    store: Store, admin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = enter(store)
    real = admins._end

    def twice(*args: Any) -> None:
        real(*args)
        real(*args)

    monkeypatch.setattr(admins, "_end", twice)
    sign_out(store, token)
    assert actions(store).count("SIGNED_OUT") == 1


def test_looking_often_does_not_write_often(store: Store, admin: str, clock: FakeClock) -> None:
    token = enter(store)
    clock.forward(seconds=29)
    before = dump(store)
    current(store, token)
    assert dump(store) == before
    clock.forward(seconds=1)
    current(store, token)
    assert dump(store) != before


def test_disabling_ends_sessions_and_enabling_lifts_a_lockout(store: Store, admin: str) -> None:
    token = enter(store)
    set_admin_disabled(store, "Ada", True, by="operator")
    assert not local_accounts_exist(store)
    with pytest.raises(SessionEndedError):
        current(store, token)
    with pytest.raises(WrongPasswordError):
        enter(store)
    set_admin_disabled(store, "ada", False, by="operator")
    assert local_accounts_exist(store)
    fail(store, 5)
    set_admin_disabled(store, "ada", False, by="operator")
    assert enter(store)
    with pytest.raises(AdminAccountError, match="no admin of this name"):
        set_admin_disabled(store, "mallory", True, by="operator")


@pytest.mark.parametrize(
    ("name", "password", "words"),
    [
        ("", PASSWORD, "name of 1 to 64"),
        ("x" * 65, PASSWORD, "name of 1 to 64"),
        ("bob", "x" * 11, "password of 12 to 256"),
        ("bob", "x" * 257, "password of 12 to 256"),
        ("bob the builder", "Bob The Builder", "not the name"),
        ("ADA", PASSWORD, "exists"),
    ],
)
def test_accounts_that_will_not_do(
    store: Store, admin: str, name: str, password: str, words: str
) -> None:
    with pytest.raises(AdminAccountError, match=words):
        create_admin(store, name, password, by="operator", hasher=QUICK_HASHER)
    assert [row.name for row in list_admins(store)] == ["ada"]


def test_a_damaged_hash_lets_nobody_in(store: Store, admin: str) -> None:
    from sqlalchemy import text

    with store.engine.begin() as connection:
        connection.execute(text("UPDATE admin SET password_hash = 'x'"))
    with pytest.raises(WrongPasswordError):
        enter(store)


def test_old_sign_ins_are_forgotten(store: Store, admin: str, clock: FakeClock) -> None:
    enter(store)
    clock.forward(days=1)
    purge(store)
    assert counts(store)["admin_session"] == 0
