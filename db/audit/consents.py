"""What the log says of consents; whoever takes rows out of the log is found by its chain."""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from sqlalchemy.orm import Session

from db.audit.chain import AuditRow
from db.audit.log import Action, genuine, subject_actor
from db.types import Purpose

# Rows from which the state of a consent follows.
_TELLING: Final = (Action.CONSENT_GIVEN, Action.CONSENT_REFUSED, Action.CONSENT_WITHDRAWN)


def logged(session: Session, pseudonym: str) -> frozenset[Purpose]:
    """The purposes of a consent that stand by the log."""
    return _standing(genuine(session, _TELLING, subject_actor(pseudonym)))[pseudonym]


def all_logged(session: Session) -> defaultdict[str, frozenset[Purpose]]:
    """Pseudonym -> purposes that stand by the log; nothing for those it does not know."""
    return _standing(genuine(session, _TELLING))


def _standing(rows: Iterable[AuditRow]) -> defaultdict[str, frozenset[Purpose]]:
    found: defaultdict[str, frozenset[Purpose]] = defaultdict(frozenset)
    for row in rows:
        details = json.loads(row.details_json)
        named = frozenset(purpose for purpose in Purpose if details.get(purpose.value) is True)
        name = row.actor.partition(":")[2]
        withdrawn = row.action == Action.CONSENT_WITHDRAWN
        found[name] = found[name] - named if withdrawn else found[name] | named
    return found
