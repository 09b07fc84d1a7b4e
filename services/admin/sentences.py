"""Rows of the audit log as sentences for people; the rows themselves hold tokens and numbers."""

import json
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from db.audit import log as audit
from db.audit.chain import AuditRow
from db.audit.log import Action
from db.types import Kind
from services.person.context_of_use import CONTEXTS

_SHORT: Final = 8  # digits of a pseudonym that tell people apart on a page
_WORDS: Final = tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))
KIND_WORDS: Final = {Kind(kind): words for kind, words in _WORDS["kinds"].items()}


def who(actor: str, names: Mapping[str, str]) -> str:
    """Whom an actor of the log stands for.

    Args:
        actor: as the row has it.
        names: actor -> name, of local admins; from `db.admins.names`.

    Examples:
        >>> who("admin:17", {"admin:17": "ada"})
        'ada'
        >>> who("person:1a2b3c4d5e6f", {})
        'person 1a2b3c4d'
    """
    if actor in names:
        return names[actor]
    kind, _, pseudonym = actor.partition(":")
    if kind == "person" and pseudonym:
        return f"person {pseudonym[:_SHORT]}"
    words = {
        audit.SYSTEM: "Mien",
        audit.OPERATOR: "the operator",
        "admin": "a former admin",
        "oidc": f"outside account {pseudonym[:_SHORT]}",
    }
    return words.get(kind, "somebody")


def sentence(row: AuditRow, names: Mapping[str, str]) -> str:
    """What a row says, in one plain sentence; an unknown action is shown by its token."""
    try:
        details = json.loads(row.details_json)
        say = _SENTENCES[Action(row.action)]
        text = say(who(row.actor, names), details, who(f"admin:{row.object_id}", names))
    except (ValueError, KeyError, TypeError, AttributeError):
        # Somebody changed the row, or an older Mien wrote it; the details tell what is known.
        text = f"{who(row.actor, names)}: {row.action.lower().replace('_', ' ')}."
    return text[:1].upper() + text[1:]


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _agreed(details: Mapping[str, Any]) -> str:
    chosen = [
        words for purpose, words in _WORDS["purposes"].items() if details.get(purpose) is True
    ]
    return _listed(chosen) if chosen else "nothing"


def _context(details: Mapping[str, Any]) -> str:
    known = CONTEXTS.get(str(details.get("context", "")))
    return known.label if known else str(details.get("context", "use not named"))


def _gone(details: Mapping[str, Any]) -> str:
    counts = [
        _counted(int(details[table]), *words)
        for table, words in _WORDS["tables"].items()
        if details.get(table)
    ]
    return _listed(counts) if counts else "nothing"


def _analysed(by: str, details: Mapping[str, Any], _object: str) -> str:
    way = str(details.get("way", "photo"))
    model = details.get("model", "")
    if way == "live":
        return f"{by} began a live video ({model})."
    if way == "data_set":
        pictures = _counted(int(details["pictures"]), "picture")
        return f"{by} began to audit {model} on {pictures} of their own."
    counts = [
        _counted(int(details[name]), one)
        for name, one in (("frames", "frame"), ("faces", "face"))
        if name in details
    ]
    kept = [
        words
        for name, words in (("kept_result", "the result"), ("kept_image", "the image"))
        if details.get(name) is True
    ]
    keeping = f"{_listed(kept)} kept" if kept else "nothing kept"
    found = f": {_listed(counts)}" if counts else ""
    return f"{by} had {_WORDS['ways'].get(way, way)} analysed ({model}){found}; {keeping}."


def _failed(by: str, details: Mapping[str, Any], _object: str) -> str:
    if details.get("known") is False:
        return "somebody tried to sign in with a name that does not exist."
    if details.get("locked"):
        return f"somebody tried to sign in as {by}, which was locked."
    return f"somebody tried to sign in as {by} with a wrong password."


def _retention(by: str, details: Mapping[str, Any], _object: str) -> str:
    kind = KIND_WORDS[Kind(str(details["kind"]))]
    now = _counted(int(details["days"]), "day")
    return f"{by} changed {kind} from {details['days_before']} to {now}."


def _erasure(by: str, details: Mapping[str, Any], _object: str) -> str:
    reason = _WORDS["reasons"].get(details["reason"], details["reason"])
    return f"{_WORDS['scopes'][details['scope']]} of {by} is to go ({reason})."


_SENTENCES: Final[dict[Action, Callable[[str, Mapping[str, Any], str], str]]] = {
    Action.STORE_CREATED: lambda by, _d, _o: f"{by} made this store.",
    Action.ROWS_SIGNED: lambda by, _d, _o: f"{by} signed the rows that an older version had made.",
    Action.NOTICE_PUBLISHED: lambda by, d, _o: (
        f"{by} published version {d['version']} of the {d['kind']} ({d['language']})."
    ),
    Action.CONSENT_GIVEN: lambda by, d, _o: f"{by} agreed to {_agreed(d)}; {_context(d)}.",
    Action.CONSENT_REFUSED: lambda by, d, _o: f"{by} said no; {_context(d)}.",
    Action.CONSENT_WITHDRAWN: lambda by, d, _o: f"{by} took back: {_agreed(d)}.",
    Action.USE_REFUSED_ART5: lambda _by, d, _o: (
        f"somebody was refused because of the use: {_context(d)}."
    ),
    Action.ANALYSED: _analysed,
    Action.LIVE_ENDED: lambda by, d, _o: (
        f"a live video of {by} ended: {_counted(int(d['frames']), 'frame')}, "
        f"{_counted(int(d['faces']), 'face')}."
    ),
    Action.AUDIT_ENDED: lambda by, d, _o: (
        f"an audit by {by} {'was stopped' if d['stopped'] else 'ended'} after "
        f"{_counted(int(d['judgements']), 'judgement')}."
    ),
    Action.EXPORTED: lambda by, d, _o: (
        f"{by} took their data: {_counted(int(d['analyses']), 'result')}, "
        f"{_counted(int(d['images']), 'image')}."
    ),
    Action.ERASURE_REQUESTED: _erasure,
    Action.ROWS_DELETED: lambda by, d, _o: f"{by} deleted the rows of {_gone(d)}.",
    Action.ERASED: lambda _by, d, _o: f"an erasure is done: {_gone(d)} deleted.",
    Action.PURGED: lambda _by, d, _o: f"{_gone(d)} went because the time was over.",
    Action.STRAYS_REMOVED: lambda by, d, _o: (
        f"{by} removed {_counted(int(d['files']), 'file')} that a crash had left."
    ),
    Action.RETENTION_CHANGED: _retention,
    Action.ADMIN_CREATED: lambda by, _d, o: f"{by} added the admin {o}.",
    Action.ADMIN_CHANGED: lambda by, d, o: (
        f"{by} {'disabled' if d['disabled'] else 'enabled'} the admin {o}."
    ),
    Action.SIGNED_IN: lambda by, _d, _o: f"{by} signed in.",
    Action.SIGN_IN_FAILED: _failed,
    Action.SIGN_IN_LOCKED: lambda by, _d, _o: f"{by} was locked out after too many failures.",
    Action.SIGNED_OUT: lambda by, d, _o: f"{by} {_WORDS['signed_out'][d['reason']]}.",
    Action.ACCESS_REFUSED: lambda by, d, _o: (
        f"{by} was not let in: {_WORDS['refused'][d['reason']]}."
    ),
    Action.ADMIN_EXPORTED: lambda by, d, _o: f"{by} took {_WORDS['exports'][d['what']]}.",
    Action.REANCHORED: lambda by, _d, _o: f"{by} accepted the end of the log and the clock.",
}
