"""The tables. A test holds docs/dpia.md and docs/processing-register.md against `personal` notes.

`info={"personal": True}` marks columns that hold data of a person or point to one.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from db.seal.rows import Signed

ID_LENGTH = 32
HASH_LENGTH = 64
PERSONAL = {"personal": True}

BigId = BigInteger().with_variant(Integer, "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC times; SQLite has no time zones, so there they are stored without."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times, which would silently be taken for local ones."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("times in the store must be aware, got a naive one")
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Say again that the stored time is in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Declarative base; the naming convention lets Alembic name what it drops."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class StoreInfoRow(Base):
    """Facts about the store itself, such as which master key it belongs to."""

    __tablename__ = "store_info"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class NoticeRow(Signed, Base):
    """Published texts; never changed, so that old receipts resolve."""

    __tablename__ = "notice"
    __table_args__ = (UniqueConstraint("kind", "language", "version"),)
    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    version: Mapped[int] = mapped_column(Integer)
    language: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(String(HASH_LENGTH))
    published_at: Mapped[datetime] = mapped_column(UtcDateTime())


class SubjectRow(Signed, Base):
    """A person who let something be kept. `pseudonym` links to events until this row goes."""

    __tablename__ = "subject"
    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, info=PERSONAL)
    pseudonym: Mapped[str] = mapped_column(String(ID_LENGTH), unique=True, info=PERSONAL)
    code_hash: Mapped[str] = mapped_column(String(HASH_LENGTH), unique=True, info=PERSONAL)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime(), info=PERSONAL)


class ConsentRecordRow(Base):
    """The consent of a subject, with the fields of ISO/IEC TS 27560 that vary."""

    __tablename__ = "consent_record"
    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, info=PERSONAL)
    subject_id: Mapped[str] = mapped_column(ForeignKey("subject.id"), unique=True, info=PERSONAL)
    notice_id: Mapped[str] = mapped_column(ForeignKey("notice.id"))
    context: Mapped[str] = mapped_column(String(32), info=PERSONAL)
    language: Mapped[str] = mapped_column(String(16), info=PERSONAL)
    given_at: Mapped[datetime] = mapped_column(UtcDateTime(), info=PERSONAL)
    valid_until: Mapped[datetime] = mapped_column(UtcDateTime(), info=PERSONAL)
    # Equal to given_at where that kind may not be kept (any more).
    result_until: Mapped[datetime] = mapped_column(UtcDateTime(), info=PERSONAL)
    image_until: Mapped[datetime] = mapped_column(UtcDateTime(), info=PERSONAL)
    sealed_name: Mapped[bytes | None] = mapped_column(LargeBinary, info=PERSONAL)


class ConsentEventRow(Signed, Base):
    """Append-only history of consents; holds nothing but a pseudonym of the person."""

    __tablename__ = "consent_event"
    __table_args__ = (Index("ix_consent_event_pseudonym_seq", "pseudonym", "seq"),)
    seq: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime(), index=True)
    pseudonym: Mapped[str] = mapped_column(String(ID_LENGTH))
    purpose: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    notice_id: Mapped[str] = mapped_column(ForeignKey("notice.id"))
    context: Mapped[str] = mapped_column(String(32))
    valid_until: Mapped[datetime] = mapped_column(UtcDateTime())


class AnalysisRow(Base):
    """A kept result, sealed with the subject's result key."""

    __tablename__ = "analysis"
    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, info=PERSONAL)
    subject_id: Mapped[str] = mapped_column(ForeignKey("subject.id"), index=True, info=PERSONAL)
    stored_at: Mapped[datetime] = mapped_column(UtcDateTime(), index=True, info=PERSONAL)
    promised_until: Mapped[datetime] = mapped_column(UtcDateTime(), index=True, info=PERSONAL)
    model_id: Mapped[str] = mapped_column(String(128))
    sealed_result: Mapped[bytes] = mapped_column(LargeBinary, info=PERSONAL)


class StoredImageRow(Base):
    """A kept image; its sealed bytes lie in a file named after `id`."""

    __tablename__ = "stored_image"
    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, info=PERSONAL)
    subject_id: Mapped[str] = mapped_column(ForeignKey("subject.id"), index=True, info=PERSONAL)
    # No foreign key: the result may go before the image, and the other way round.
    analysis_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), info=PERSONAL)
    stored_at: Mapped[datetime] = mapped_column(UtcDateTime(), index=True, info=PERSONAL)
    promised_until: Mapped[datetime] = mapped_column(UtcDateTime(), index=True, info=PERSONAL)
    size_bytes: Mapped[int] = mapped_column(Integer, info=PERSONAL)


class RetentionPolicyRow(Signed, Base):
    """How long each kind of data stays at most."""

    __tablename__ = "retention_policy"
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    days: Mapped[int] = mapped_column(Integer)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime())
    changed_by: Mapped[str] = mapped_column(String(64))


class ErasureJobRow(Base):
    """An outbox of removals; `subject_id` is emptied in the transaction that deletes the rows."""

    __tablename__ = "erasure_job"
    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    subject_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), info=PERSONAL)
    # Another keyed hash of the receipt code than the subject's, to answer a second request alike.
    answer_hash: Mapped[str | None] = mapped_column(String(HASH_LENGTH), index=True, info=PERSONAL)
    reason: Mapped[str] = mapped_column(String(16))
    scope: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16), index=True)
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime())
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    counts_json: Mapped[str] = mapped_column(Text)


class AuditEventRow(Base):
    """Append-only keyed hash chain; times are text because they are hashed as they stand."""

    __tablename__ = "audit_event"
    seq: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    ts_utc: Mapped[str] = mapped_column(String(32), index=True)
    actor: Mapped[str] = mapped_column(String(64), index=True)
    action: Mapped[str] = mapped_column(String(32), index=True)
    object_id: Mapped[str] = mapped_column(String(64))
    details_json: Mapped[str] = mapped_column(Text)
    prev_hash: Mapped[str] = mapped_column(String(HASH_LENGTH), unique=True)
    hash: Mapped[str] = mapped_column(String(HASH_LENGTH), unique=True)


class AdminRow(Signed, Base):
    """A local admin account."""

    __tablename__ = "admin"
    UNSIGNED = frozenset({"failed_count", "locked_until"})
    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True, info=PERSONAL)
    password_hash: Mapped[str] = mapped_column(String(256), info=PERSONAL)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime())
    disabled: Mapped[bool] = mapped_column(default=False)
    failed_count: Mapped[int] = mapped_column(Integer, default=0)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime())


class AdminSessionRow(Base):
    """A sign-in; only the hash of its token is kept."""

    __tablename__ = "admin_session"
    token_hash: Mapped[str] = mapped_column(String(HASH_LENGTH), primary_key=True, info=PERSONAL)
    admin_id: Mapped[str] = mapped_column(ForeignKey("admin.id"), index=True, info=PERSONAL)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime(), info=PERSONAL)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime(), info=PERSONAL)


class LeaseRow(Base):
    """Who may do a thing that only one process may do at a time, and until when."""

    __tablename__ = "lease"
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    holder: Mapped[str] = mapped_column(String(64))
    until: Mapped[datetime] = mapped_column(UtcDateTime())
