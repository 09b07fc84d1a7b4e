"""Admins: local accounts with lockout and sessions that end, and those who signed in elsewhere.

Hashing a password takes a while on purpose, so it happens outside transactions; whether the
account is locked is decided inside.
"""

import secrets
import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from functools import cache
from uuid import uuid4

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from db.audit import log as audit
from db.errors import (
    AdminAccountError,
    LockedOutError,
    NotAllowedError,
    SessionEndedError,
    WrongPasswordError,
)
from db.policy.integrity import shut_out_admins
from db.seal.master_key import keyed_hash
from db.seal.rows import is_genuine
from db.store import Store
from db.tables import AdminRow, AdminSessionRow
from db.types import Admin, AdminIdentity
from db.unit import ReadUnit, WriteUnit

MAX_FAILURES = 5
MAX_CLIENT_FAILURES = 10
MAX_CLIENTS = 10_000
LOCKOUT = timedelta(minutes=15)
IDLE = timedelta(minutes=15)
ABSOLUTE = timedelta(hours=8)
MIN_PASSWORD_CHARACTERS = 12
MAX_PASSWORD_CHARACTERS = 256
MAX_NAME_CHARACTERS = 64
SEEN_EVERY = timedelta(seconds=30)
# argon2id with the library's parameters (RFC 9106, low memory).
HASHER = PasswordHasher()
_one_hash = threading.Lock()


def normal_name(name: str) -> str:
    """Names are compared without case and outer blanks."""
    return name.strip().casefold()


def create(
    store: Store, name: str, password: str, *, by: str, hasher: PasswordHasher | None = None
) -> Admin:
    """Add an admin with a name of 1 to 64 characters and a password of at least 12, not the name.

    Raises:
        AdminAccountError: name or password will not do, or the name is taken.
    """
    name = normal_name(name)
    _check_new(name, password)
    password_hash = (hasher or HASHER).hash(password)
    with store.write() as unit:
        if _by_name(unit.session, name) is not None:
            raise AdminAccountError("An admin of this name exists; choose another name.")
        row = AdminRow(
            id=uuid4().hex,
            name=name,
            password_hash=password_hash,
            created_at=unit.now,
            disabled=False,
            failed_count=0,
        )
        unit.session.add(row)
        unit.log(audit.Action.ADMIN_CREATED, by, object_id=row.id)
        return _admin(row)


def _check_new(name: str, password: str) -> None:
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS:
        raise AdminAccountError(f"Give the admin a name of 1 to {MAX_NAME_CHARACTERS} characters.")
    if not MIN_PASSWORD_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS:
        raise AdminAccountError(
            f"Choose a password of {MIN_PASSWORD_CHARACTERS} to {MAX_PASSWORD_CHARACTERS} "
            "characters."
        )
    if normal_name(password) == name:
        raise AdminAccountError("Choose a password that is not the name.")


def list_admins(store: Store) -> tuple[Admin, ...]:
    """All local accounts, by name."""
    with store.read() as look:
        rows = look.session.scalars(select(AdminRow).order_by(AdminRow.name))
        return tuple(_admin(row) for row in rows)


def names(store: Store) -> dict[str, str]:
    """Actor in the audit log -> name, of all local accounts."""
    return {audit.admin_actor(admin.id): admin.name for admin in list_admins(store)}


def set_disabled(store: Store, name: str, disabled: bool, *, by: str) -> Admin:
    """Disable or enable an account; disabling ends its sessions, enabling lifts a lockout.

    Raises:
        AdminAccountError: there is no such account.
    """
    with store.write() as unit:
        row = _by_name(unit.session, normal_name(name))
        if row is None:
            raise AdminAccountError("There is no admin of this name; see `mien admin list`.")
        if not is_genuine(unit.session, row):
            raise AdminAccountError(
                "This account was changed from outside; make another one, and run "
                "`mien store verify`."
            )
        row.disabled, row.failed_count, row.locked_until = disabled, 0, None
        if disabled:
            unit.session.execute(delete(AdminSessionRow).where(AdminSessionRow.admin_id == row.id))
        unit.log(audit.Action.ADMIN_CHANGED, by, {"disabled": disabled}, object_id=row.id)
        return _admin(row)


class _Clients:
    """What this process remembers of browsers' addresses, hashed, and never writes down.

    A client with too many failures waits, whatever names it tries. A client from which an admin
    has signed in before is let in while the account is locked for strangers, so that nobody can
    lock an admin out for good.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, list[datetime]] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def require_patience(self, client: str, now: datetime) -> None:
        """Raise a LockedOutError where this client has failed too often of late."""
        with self._lock:
            times = [at for at in self._failures.get(client, ()) if now - at < LOCKOUT]
        if client and len(times) >= MAX_CLIENT_FAILURES:
            raise _locked(LOCKOUT - (now - times[-1]), "from here")

    def failed(self, client: str, now: datetime) -> bool:
        """Count a failure; return whether the client has to wait from now on."""
        with self._lock:
            times = [at for at in self._failures.pop(client, ()) if now - at < LOCKOUT]
            self._failures[client] = [*times, now]
            if len(self._failures) > MAX_CLIENTS:
                self._failures.popitem(last=False)
        return bool(client) and len(times) + 1 == MAX_CLIENT_FAILURES

    def entered(self, client: str, admin_id: str) -> None:
        """Remember that this admin came from there."""
        with self._lock:
            self._failures.pop(client, None)
            self._known[client, admin_id] = None
            if len(self._known) > MAX_CLIENTS:
                self._known.popitem(last=False)

    def knows(self, client: str, admin_id: str) -> bool:
        """Whether this admin came from there before."""
        with self._lock:
            return bool(client) and (client, admin_id) in self._known


_clients = _Clients()


def sign_in(
    store: Store,
    name: str,
    password: str,
    *,
    client: str = "",
    hasher: PasswordHasher | None = None,
) -> str:
    """Check name and password; return a token that stands for the sign-in.

    Of `client`, the address of the browser, "" where it is not known, only a keyed hash is held.

    Raises:
        WrongPasswordError: they do not belong together, or there is no such account.
        LockedOutError: five attempts in a row on this account, or ten from this client, failed
            less than fifteen minutes ago.
    """
    name, hasher = normal_name(name), hasher or HASHER
    client = client and keyed_hash(store.keys.token, f"client\n{client}")
    nobodys_hash = _nobodys_hash(hasher)
    with store.read() as look:
        _clients.require_patience(client, look.now)
        row = _sound_by_name(look.session, name)
        known_hash = row.password_hash if row else None
    # An unknown name costs the same time as a wrong password, so names cannot be probed; and only
    # one is hashed at a time, so that guessing cannot occupy the processor.
    with _one_hash:
        right = _matches(hasher, known_hash or nobodys_hash, password)
    with store.write() as unit:
        token, failure = _decide(unit, store, name, client, right and known_hash is not None)
        if failure is not None and _clients.failed(client, unit.now):
            unit.log(audit.Action.SIGN_IN_LOCKED, "unknown")
    if failure is not None:
        raise failure
    return token


@cache
def _nobodys_hash(hasher: PasswordHasher) -> str:
    return hasher.hash(secrets.token_hex(16))


def _matches(hasher: PasswordHasher, password_hash: str, password: str) -> bool:
    if len(password) > MAX_PASSWORD_CHARACTERS:
        return False
    try:
        return hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def _decide(
    unit: WriteUnit, store: Store, name: str, client: str, right: bool
) -> tuple[str, WrongPasswordError | LockedOutError | None]:
    """Let in or not; what is returned, not raised, is committed with its audit row."""
    row = _sound_by_name(unit.session, name)
    wrong = WrongPasswordError("Name or password is wrong; try again.")
    if row is None or row.disabled:
        unit.log(audit.Action.SIGN_IN_FAILED, "unknown", {"known": row is not None})
        return "", wrong
    actor = audit.admin_actor(row.id)
    stranger = not _clients.knows(client, row.id)
    if stranger and row.locked_until is not None and unit.now < row.locked_until:
        unit.log(audit.Action.SIGN_IN_FAILED, actor, {"locked": True})
        return "", _locked(row.locked_until - unit.now)
    if not right:
        if not stranger:  # counted by client alone
            unit.log(audit.Action.SIGN_IN_FAILED, actor)
            return "", wrong
        row.failed_count += 1
        unit.log(audit.Action.SIGN_IN_FAILED, actor, {"failures": row.failed_count})
        if row.failed_count < MAX_FAILURES:
            return "", wrong
        row.failed_count, row.locked_until = 0, unit.now + LOCKOUT
        unit.log(audit.Action.SIGN_IN_LOCKED, actor)
        return "", _locked(LOCKOUT)
    row.failed_count, row.locked_until = 0, None
    token = secrets.token_urlsafe(32)
    unit.session.add(
        AdminSessionRow(
            token_hash=keyed_hash(store.keys.token, token),
            admin_id=row.id,
            started_at=unit.now,
            seen_at=unit.now,
        )
    )
    unit.log(audit.Action.SIGNED_IN, actor, {"via": "password"})
    _clients.entered(client, row.id)
    return token, None


def _locked(remaining: timedelta, where: str = "") -> LockedOutError:
    minutes = -(-int(remaining.total_seconds()) // 60)
    advice = "" if where else ", or run `mien admin enable NAME`"
    return LockedOutError(
        f"Too many failed attempts{where and ' '}{where}; wait {minutes} minutes{advice}."
    )


def current(store: Store, token: str) -> AdminIdentity:
    """Who is signed in with `token`; call it on every run of an admin page.

    Raises:
        SessionEndedError: unknown, signed out, idle for fifteen minutes, or eight hours old.
    """
    token_hash = keyed_hash(store.keys.token, token)
    with store.read() as look:
        row = look.session.get(AdminSessionRow, token_hash)
        if row is None:
            raise SessionEndedError("You are signed out; sign in again.")
        admin = look.session.get_one(AdminRow, row.admin_id)
        if admin.disabled or not _is_sound(look.session, admin):
            raise SessionEndedError("You are signed out; sign in again.")
        identity = AdminIdentity(audit.admin_actor(admin.id), admin.name, "password")
        ended = _ended(look, row)
        stale = look.now - row.seen_at >= SEEN_EVERY
    if ended:
        _end(store, token_hash, ended)
        raise SessionEndedError("You were signed out because of the time; sign in again.")
    if stale:
        with store.write() as unit:
            still_there = unit.session.get(AdminSessionRow, token_hash)
            if still_there is not None:
                still_there.seen_at = unit.now
    return identity


def _ended(look: ReadUnit, row: AdminSessionRow) -> str:
    if look.now - row.started_at >= ABSOLUTE:
        return "absolute"
    return "idle" if look.now - row.seen_at >= IDLE else ""


def sign_out(store: Store, token: str) -> None:
    """End a sign-in; an unknown token is fine."""
    _end(store, keyed_hash(store.keys.token, token), "asked")


def _end(store: Store, token_hash: str, reason: str) -> None:
    with store.write() as unit:
        row = unit.session.get(AdminSessionRow, token_hash)
        if row is not None:
            unit.session.delete(row)
            actor = audit.admin_actor(row.admin_id)
            unit.log(audit.Action.SIGNED_OUT, actor, {"reason": reason})


def _sound_by_name(session: Session, name: str) -> AdminRow | None:
    """The account of this name, None also where it was made or changed from outside."""
    row = _by_name(session, name)
    return row if row is not None and _is_sound(session, row) else None


def _is_sound(session: Session, row: AdminRow) -> bool:
    """Whether an account is as this program wrote it last: the log says who is shut out."""
    return is_genuine(session, row) and (row.disabled or row.id not in shut_out_admins(session))


def _by_name(session: Session, name: str) -> AdminRow | None:
    return session.scalars(select(AdminRow).where(AdminRow.name == name)).first()


def _admin(row: AdminRow) -> Admin:
    locked_until: datetime | None = row.locked_until
    return Admin(row.id, row.name, row.created_at, row.disabled, locked_until)


# Why somebody who signed in elsewhere is not let in: in the log, and in words.
REFUSALS = {
    "not_on_list": (
        "This account may not see the admin part; ask whoever runs Mien to put it on the list of "
        "admins, or sign in with another one."
    ),
    "expired": "Your sign-in has run out; sign in again.",
}


def outside_identity(
    store: Store, *, issuer: str, subject: str, name: str, refusal: str
) -> AdminIdentity:
    """An admin who signed in elsewhere (OpenID Connect), by `iss` and `sub` of the token.

    Raises:
        NotAllowedError: the caller judged `refusal`, of REFUSALS, which is logged; "" lets in.
    """
    pseudonym = keyed_hash(store.keys.token, f"{issuer}\n{subject}")[:32]
    actor = f"oidc:{pseudonym}"
    if refusal:
        with store.write() as unit:
            unit.log(audit.Action.ACCESS_REFUSED, actor, {"reason": refusal})
        raise NotAllowedError(REFUSALS[refusal])
    return AdminIdentity(actor, name, "oidc")


def log_outside_sign_in(store: Store, identity: AdminIdentity) -> None:
    """Write down a sign-in by OpenID Connect; call it once a session."""
    with store.write() as unit:
        unit.log(audit.Action.SIGNED_IN, identity.actor, {"via": identity.via})


def log_outside_sign_out(store: Store, identity: AdminIdentity) -> None:
    """Write down that somebody who came by OpenID Connect asked to be signed out."""
    with store.write() as unit:
        unit.log(audit.Action.SIGNED_OUT, identity.actor, {"reason": "asked"})
