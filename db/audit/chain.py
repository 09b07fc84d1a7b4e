"""The chain itself, without a database: rows, their keyed hashes, and whether all of them fit."""

import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

# What the first row follows.
GENESIS_HASH = "0" * 64


@dataclass(frozen=True)
class AuditRow:
    """One row of the audit log, as stored; `details_json` is canonical JSON."""

    seq: int
    ts_utc: str
    actor: str
    action: str
    object_id: str
    details_json: str
    prev_hash: str
    hash: str


@dataclass(frozen=True)
class ChainHead:
    """The end of the audit chain as kept outside the database."""

    seq: int
    hash: str
    count: int


@dataclass(frozen=True)
class ChainStatus:
    """What a check of the audit chain found.

    Attributes:
        ok: whether every row and the head fit.
        count: rows read.
        first_bad_seq: the first row that does not fit; None where ok or where only a file is bad.
        problem: one sentence; empty where ok.
        end: the last row that fits, None for an empty log.
    """

    ok: bool
    count: int
    first_bad_seq: int | None
    problem: str
    end: ChainHead | None


def stamp(at: datetime) -> str:
    """UTC time as text of fixed width, so that texts sort as times do.

    Example:
        >>> stamp(datetime(2026, 1, 2, tzinfo=UTC))
        '2026-01-02T00:00:00.000000Z'
    """
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_stamp(words: str) -> datetime:
    """The time that `stamp` wrote.

    Raises:
        ValueError: the text is not one that `stamp` writes.
    """
    return datetime.strptime(words, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def row_hash(key: bytes, row: AuditRow) -> str:
    """HMAC-SHA256 over the canonical JSON of all columns but the hash itself, in hex."""
    content = {
        "action": row.action,
        "actor": row.actor,
        "details": row.details_json,
        "object": row.object_id,
        "prev": row.prev_hash,
        "seq": row.seq,
        "ts": row.ts_utc,
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hmac.new(key, canonical.encode(), sha256).hexdigest()


def check(rows: Iterable[AuditRow], key: bytes, head: ChainHead | None) -> ChainStatus:
    """Compare a whole chain with its head.

    Rows after the head are fine where they fit: a crash can fall between a commit and the
    writing of the head file.

    Args:
        rows: all there are, oldest first; read up to the first that does not fit.
        key: of the chain, 32 bytes.
        head: from the head file or from a note taken earlier; None is itself a finding.
    """
    last: AuditRow | None = None
    head_found = head is not None and head.seq == 0
    for row in rows:
        problem = _misfit(key, last, row, head)
        if problem:
            return _status(last, problem, first_bad_seq=_bad_seq(last, row))
        head_found = head_found or (head is not None and row.seq == head.seq)
        last = row
    if head is None:
        return _status(last, "The head file is missing or was changed.")
    if not head_found:
        first_bad_seq = (last.seq if last else 0) + 1
        return _status(
            last, f"Rows {first_bad_seq} to {head.seq} were cut off.", first_bad_seq=first_bad_seq
        )
    return _status(last, "")


def _misfit(key: bytes, last: AuditRow | None, row: AuditRow, head: ChainHead | None) -> str:
    seq = _bad_seq(last, row)
    if row.seq != (last.seq if last else 0) + 1:
        return f"Row {seq} is missing, or stands elsewhere."
    if row.prev_hash != (last.hash if last else GENESIS_HASH):
        return f"Row {seq} does not follow the row before it."
    if not hmac.compare_digest(row.hash, row_hash(key, row)):
        return f"Row {seq} was changed, or written without the key."
    if head is not None and row.seq == head.seq and row.hash != head.hash:
        return f"Row {seq} is not the one that the head remembers."
    return ""


def _bad_seq(last: AuditRow | None, row: AuditRow) -> int:
    return min(row.seq, (last.seq if last else 0) + 1)


def _status(last: AuditRow | None, problem: str, first_bad_seq: int | None = None) -> ChainStatus:
    end = ChainHead(last.seq, last.hash, last.seq) if last else None
    return ChainStatus(not problem, last.seq if last else 0, first_bad_seq, problem, end)
