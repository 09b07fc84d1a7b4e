"""Published texts: the notice that people see before they choose, and the retention policy.

Texts come from db/policy/texts, with the days of the policies and the controller filled in. A
changed text becomes a new version by itself; old ones stay, because receipts point to them.
"""

from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.audit import log as audit
from db.errors import NoPolicyError
from db.policy.retention import policy_days
from db.seal.rows import is_genuine
from db.tables import NoticeRow
from db.types import Controller, Notice, NoticeKind
from db.unit import WriteUnit

TEXTS_DIR = Path(__file__).parent / "texts"
DEFAULT_LANGUAGE = "en"


def texts_to_publish(
    session: Session, controller: Controller
) -> dict[tuple[NoticeKind, str], str]:
    """(kind, language) -> text as it reads now, where the newest published version differs."""
    days = {f"{kind.value}_days": str(count) for kind, count in policy_days(session).items()}
    filled_in = {**days, "controller": controller.sentence}
    changed = {}
    for path in sorted(TEXTS_DIR.glob("*.md")):
        name, language = path.stem.split(".")
        kind, text = NoticeKind(name), path.read_text("utf-8")
        for place, value in filled_in.items():
            text = text.replace(f"{{{place}}}", value)
        row = _newest(session, kind, language)
        # A forged newest version is replaced by a genuine one, at the next start.
        if row is None or row.sha256 != text_hash(text) or not is_sound(session, row):
            changed[kind, language] = text
    return changed


def publish_texts(unit: WriteUnit, controller: Controller) -> None:
    """Publish every changed text as a new version."""
    for (kind, language), text in texts_to_publish(unit.session, controller).items():
        newest = _newest(unit.session, kind, language)
        row = NoticeRow(
            id=uuid4().hex,
            kind=kind.value,
            version=newest.version + 1 if newest else 1,
            language=language,
            text=text,
            sha256=text_hash(text),
            published_at=unit.now,
        )
        unit.session.add(row)
        unit.session.flush()
        told = {name: getattr(row, name) for name in ("kind", "language", "version", "sha256")}
        unit.log(audit.Action.NOTICE_PUBLISHED, audit.SYSTEM, told, object_id=row.id)


def is_sound(session: Session, row: NoticeRow) -> bool:
    """Whether a published text is the one that this program wrote."""
    return is_genuine(session, row) and row.sha256 == text_hash(row.text)


def text_hash(text: str) -> str:
    """SHA-256 of the UTF-8 bytes of `text`, in hex."""
    return sha256(text.encode()).hexdigest()


def active(session: Session, kind: NoticeKind, language: str = DEFAULT_LANGUAGE) -> Notice:
    """The newest published text.

    Raises:
        NoPolicyError: none is published, or it was changed from outside, so nothing may be
            stored (740 ILCS 14/15(a)).
    """
    row = _newest(session, kind, language)
    if row is None:
        raise NoPolicyError(
            f"No {kind.value} in this language ({language}) is published, so nothing may be "
            "kept; restart Mien to publish it or choose English."
        )
    return _notice(session, row)


def find(session: Session, notice_id: str) -> Notice:
    """The text with this id, however old.

    Raises:
        NoPolicyError: there never was one, or it was changed from outside.
    """
    row = session.get(NoticeRow, notice_id)
    if row is None:
        raise NoPolicyError("The text that this consent refers to does not exist; ask again.")
    return _notice(session, row)


def _newest(session: Session, kind: NoticeKind, language: str) -> NoticeRow | None:
    return session.scalars(
        select(NoticeRow)
        .where(NoticeRow.kind == kind.value, NoticeRow.language == language)
        .order_by(NoticeRow.version.desc())
        .limit(1)
    ).first()


def _notice(session: Session, row: NoticeRow) -> Notice:
    if not is_sound(session, row):
        raise NoPolicyError(
            f"The published {row.kind} was changed from outside, so nobody is asked under it; "
            "restart Mien to publish it anew, and run `mien store verify`."
        )
    return Notice(
        id=row.id,
        kind=NoticeKind(row.kind),
        version=row.version,
        language=row.language,
        text=row.text,
        sha256=row.sha256,
        published_at=row.published_at,
    )
