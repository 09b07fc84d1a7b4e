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
KIND_WORDS: Final[dict[Kind, str]] = {kind: _WORDS["kind"][kind] for kind in Kind}


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
        details, by = json.loads(row.details_json), who(row.actor, names)
        say, acted_on = _SENTENCES[row.action], who(f"admin:{row.object_id}", names)
        if isinstance(say, str):
            text = say.format(by=by, object=acted_on, **_in_words(details))
        else:
            text = say(by, details)
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


def _analysed(by: str, details: Mapping[str, Any]) -> str:
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


def _failed(by: str, details: Mapping[str, Any]) -> str:
    if details.get("known") is False:
        return "somebody tried to sign in with a name that does not exist."
    if details.get("locked"):
        return f"somebody tried to sign in as {by}, which was locked."
    return f"somebody tried to sign in as {by} with a wrong password."


def _in_words(details: Mapping[str, Any]) -> dict[str, Any]:
    """What a template of words.toml may name, by the names of details."""
    counts = {
        name: _counted(int(details[name]), one)
        for name, one in _WORDS["units"].items()
        if name in details
    }
    tokens = {
        name: _WORDS[name][str(details[name]).lower()]
        for name in ("disabled", "kind", "reason", "scope", "stopped", "what")
        if name in details
    }
    more = {"agreed": _agreed(details), "context": _context(details), "gone": _gone(details)}
    return {**details, **counts, **tokens, **more}


_SENTENCES: Final[dict[str, str | Callable[[str, Mapping[str, Any]], str]]] = {
    **_WORDS["sentences"],
    Action.ANALYSED: _analysed,
    Action.SIGN_IN_FAILED: _failed,
}
