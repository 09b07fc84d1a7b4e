"""Signatures of rows that decide something, so that write access to the database is not enough.

A keyed hash over all columns is made when a row is written and checked when it is read. It shows
rows that were added or changed. That rows were taken away, or put back as they once were, shows
against the audit log, which each reader of a decision asks for its own part.
"""

import hmac
import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, ClassVar, Final

from sqlalchemy import String, event, inspect
from sqlalchemy.orm import Mapped, Session, mapped_column

KEYS: Final = "mien_keys"  # the store's `Keys`, in a session's `info`


class Signed:
    """Mixin of tables whose rows are signed. No signature at all is a forgery, too.

    Attributes:
        UNSIGNED: columns on which nothing is decided.
        mac: the signature, 64 hexadecimal digits.
    """

    UNSIGNED: ClassVar[frozenset[str]] = frozenset()
    mac: Mapped[str | None] = mapped_column(String(64))


def signature(key: bytes, row: Signed) -> str:
    """HMAC-SHA256 over the table's name and all columns on which something is decided, in hex."""
    mapper = inspect(type(row))
    values = {
        column.key: _plain(getattr(row, column.key))
        for column in mapper.columns
        if column.key != "mac" and column.key not in row.UNSIGNED
    }
    content = json.dumps([mapper.local_table.name, values], sort_keys=True, separators=(",", ":"))
    return hmac.new(key, content.encode(), sha256).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.hex() if isinstance(value, bytes) else value


def is_genuine(session: Session, row: Signed) -> bool:
    """Whether `row` is as the program wrote it."""
    return row.mac is not None and hmac.compare_digest(
        row.mac, signature(session.info[KEYS].rows, row)
    )


@event.listens_for(Session, "before_flush")
def _sign(session: Session, _context: Any, _instances: Any) -> None:
    """Sign what is written. Whoever changes a row must have asked first whether it is genuine."""
    for row in (*session.new, *session.dirty):
        if isinstance(row, Signed):
            row.mac = signature(session.info[KEYS].rows, row)
