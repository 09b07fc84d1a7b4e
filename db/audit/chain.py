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


# Actions that begin a generation of the chain; each row says which one it begins.
CREATED = "STORE_CREATED"
BEGINNERS = (CREATED, "ROWS_SIGNED", "REANCHORED")


@dataclass(frozen=True)
class ChainHead:
    """The end of the audit chain as kept outside the database.

    Attributes:
        seq: number of the last row.
        hash: of the last row.
        count: rows in all.
        generation: how often the head was begun by an act that the log shows, so that a head from
            before the last of them can never pass for the present one; None is not compared.
    """

    seq: int
    hash: str
    count: int
    generation: int | None = None


@dataclass(frozen=True)
class ChainStatus:
    """What a check of the audit chain found: how many rows were read and which one does not fit.

    That one is None where all is well or only a file is bad; `end` is the last row that fits.
    """

    ok: bool
    count: int
    first_bad_seq: int | None
    problem: str
    end: ChainHead | None


def stamp(at: datetime) -> str:
    """UTC time as text of fixed width, so that texts sort as times do.

    Examples:
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
    """Compare a whole chain, oldest row first, with its head, of which None is itself a finding.

    Rows after the head are fine where they fit: a crash can fall between a commit and the writing
    of the head file. Read up to the first row that does not fit.
    """
    last: AuditRow | None = None
    head_found = head is not None and head.seq == 0
    generation = 0
    for row in rows:
        before = generation
        problem = _misfit(key, last, row, head)
        if not problem:
            generation, problem = _generation(row, generation)
        if head is not None and row.seq == head.seq:
            head_found = True
            if not problem and head.generation not in (None, generation):
                problem = f"The head at row {row.seq} was written before it was last begun anew."
        if problem:
            return _status(last, before, problem, first_bad_seq=_bad_seq(last, row))
        last = row
    if head is None:
        return _status(last, generation, "The head file is missing or was changed.")
    if not head_found:
        first_bad_seq = (last.seq if last else 0) + 1
        problem = f"Rows {first_bad_seq} to {head.seq} were cut off."
        return _status(last, generation, problem, first_bad_seq=first_bad_seq)
    return _status(last, generation, "")


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


def generation_of(row: AuditRow) -> int:
    """The generation that a row of `BEGINNERS` begins; 0 for rows from before there were any."""
    found = json.loads(row.details_json).get("generation", 0)
    return found if isinstance(found, int) else 0


def _generation(row: AuditRow, before: int) -> tuple[int, str]:
    """The generation after `row`, and what is wrong with it."""
    if row.action not in BEGINNERS:
        return before, ""
    if row.action == CREATED and row.seq != 1:
        return before, f"Row {row.seq} begins a second log within this one."
    begun = generation_of(row)
    if begun and begun <= before:
        return before, f"Row {row.seq} begins the log anew out of turn."
    return begun or before, ""


def _bad_seq(last: AuditRow | None, row: AuditRow) -> int:
    return min(row.seq, (last.seq if last else 0) + 1)


def _status(
    last: AuditRow | None, generation: int, problem: str, first_bad_seq: int | None = None
) -> ChainStatus:
    end = ChainHead(last.seq, last.hash, last.seq, generation) if last else None
    return ChainStatus(not problem, last.seq if last else 0, first_bad_seq, problem, end)
