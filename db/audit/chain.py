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
    """The end of the audit chain as kept outside the database: the last row, and rows in all.

    `generation` says how often the head was begun by an act that the log shows, so that a head
    from before the last of them can never pass for the present one; None is not compared.
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


def time_of(row: AuditRow) -> datetime | None:
    """When a row was written; None where somebody changed it so that nobody can tell."""
    try:
        return parse_stamp(row.ts_utc)
    except ValueError:  # `check` says so, nothing stops for it
        return None


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
    count = generation = 0

    def status(problem: str, first_bad_seq: int | None = None) -> ChainStatus:
        end = ChainHead(count, last.hash, count, generation) if last else None
        return ChainStatus(not problem, count, first_bad_seq, problem, end)

    for row in rows:
        problem = _misfit(key, last, row, head)
        begun, wrong = (generation, "") if problem else _generation(row, generation)
        if head is not None and row.seq == head.seq:
            head_found = True
            if not wrong and head.generation not in (None, begun):
                wrong = f"The head at row {row.seq} was written before it was last begun anew."
        if problem or wrong:
            return status(problem or wrong, min(row.seq, count + 1))
        last, count, generation = row, row.seq, begun
    if head is None:
        return status("The head file is missing or was changed.")
    if not head_found:
        return status(f"Rows {count + 1} to {head.seq} were cut off.", count + 1)
    return status("")


def _misfit(key: bytes, last: AuditRow | None, row: AuditRow, head: ChainHead | None) -> str:
    seq = min(row.seq, (last.seq if last else 0) + 1)
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
