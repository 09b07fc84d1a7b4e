"""Words and values of the store. All frozen; all times are aware and in UTC."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time now, aware, in UTC; the default clock of the store."""
    return datetime.now(UTC)


class Purpose(StrEnum):
    """What a person can agree to, each for itself."""

    ANALYSE = "analyse"
    KEEP_RESULT = "keep_result"
    KEEP_IMAGE = "keep_image"
    EVALUATION = "evaluation"


class ConsentState(StrEnum):
    """States of ISO/IEC TS 27560 that this product uses; only GIVEN permits processing."""

    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Kind(StrEnum):
    """Kinds of data that have a retention policy."""

    RESULT = "result"
    IMAGE = "image"
    ERASURE_JOB = "erasure_job"


class Scope(StrEnum):
    """How much of a subject an erasure job removes."""

    ALL = "all"
    RESULT = "result"
    IMAGE = "image"


class JobReason(StrEnum):
    """Why data is removed."""

    ERASE = "erase"
    WITHDRAW = "withdraw"
    RETENTION = "retention"


class JobState(StrEnum):
    """Steps of an erasure job; only DONE means that no trace is left in the database's files."""

    REQUESTED = "requested"
    ROWS_DELETED = "rows_deleted"
    DONE = "done"


class Way(StrEnum):
    """How the pictures of an analysis came in; the audit log tells them apart."""

    PHOTO = "photo"
    LANDMARKS = "landmarks"
    SNAPSHOT = "snapshot"
    CLIP = "clip"
    LIVE = "live"
    DATA_SET = "data_set"


class NoticeKind(StrEnum):
    """Published texts."""

    NOTICE = "notice"
    POLICY = "policy"


@dataclass(frozen=True)
class Choices:
    """The four answers of a person; each is off until chosen.

    Examples:
        >>> Choices(analyse=True).given
        frozenset({<Purpose.ANALYSE: 'analyse'>})
    """

    analyse: bool = False
    keep_result: bool = False
    keep_image: bool = False
    evaluation: bool = False

    @property
    def given(self) -> frozenset[Purpose]:
        """The purposes that were chosen."""
        return frozenset(purpose for purpose in Purpose if getattr(self, purpose.value))


@dataclass(frozen=True)
class Controller:
    """Who answers for the processing (GDPR 4(7)), as the operator's settings say; may be empty."""

    name: str = ""
    address: str = ""
    contact: str = ""

    @property
    def sentence(self) -> str:
        """For the texts that people read; says so where nobody has filled it in."""
        if not self.name:
            return (
                "The operator of this installation, who has not entered a name and an address. "
                "Ask for them before you agree."
            )
        parts = (self.name, self.address, f"contact: {self.contact}" if self.contact else "")
        return ", ".join(part for part in parts if part).rstrip(".") + "."

    def as_party(self) -> dict[str, str]:
        """The entry among the parties of a consent record (ISO/IEC TS 27560)."""
        return {
            "party_id": "controller",
            "party_type": "data controller",
            "party_name": self.name or "operator of this installation, name not set",
            "party_address": self.address or "not set",
            "party_contact": self.contact or "not set",
        }


@dataclass(frozen=True)
class Notice:
    """A published text; `sha256` is that of its UTF-8 bytes, in hex."""

    id: str
    kind: NoticeKind
    version: int
    language: str
    text: str
    sha256: str
    published_at: datetime


@dataclass(frozen=True)
class Consent:
    """What a session holds after the consent form; nothing in it is secret from its person.

    Attributes:
        pseudonym: random; the only link between this consent and its events and audit rows.
        record_id: id on the receipt; random, and on no event or audit row.
        subject_id: id of the stored subject; None where nothing is kept.
        context: of use, a key of services.person.context_of_use.CONTEXTS.
        valid_until: after this nothing more is done under this consent.
        promised_days: kind -> days after which data of that kind is gone.
    """

    pseudonym: str
    record_id: str
    subject_id: str | None
    choices: Choices
    context: str
    notice_id: str
    given_at: datetime
    valid_until: datetime
    promised_days: Mapping[Kind, int]


@dataclass(frozen=True)
class ConsentEvent:
    """One line of the history of a consent."""

    at: datetime
    purpose: Purpose
    state: ConsentState
    notice_id: str


@dataclass(frozen=True)
class KeptAnalysis:
    """A kept result, opened; `result` is what was given to be kept."""

    id: str
    stored_at: datetime
    kept_until: datetime
    model_id: str
    result: Mapping[str, Any]


@dataclass(frozen=True)
class KeptImage:
    """A kept image; its bytes are opened only when asked for. `size_bytes` is that of the file."""

    id: str
    stored_at: datetime
    kept_until: datetime
    size_bytes: int
    analysis_id: str | None


@dataclass(frozen=True)
class SubjectView:
    """All that is kept of one person, as that person may see it."""

    record_id: str
    subject_id: str
    context: str
    notice: Notice
    given_at: datetime
    valid_until: datetime
    signed_name: str | None
    states: Mapping[Purpose, ConsentState]
    promised_days: Mapping[Kind, int]
    events: tuple[ConsentEvent, ...]
    analyses: tuple[KeptAnalysis, ...]
    images: tuple[KeptImage, ...]


@dataclass(frozen=True)
class RetentionPolicy:
    """Days after which data of a kind is gone; 0 means that it is not stored at all."""

    kind: Kind
    days: int
    changed_at: datetime
    changed_by: str


@dataclass(frozen=True)
class ErasureJob:
    """A removal, finished or not; `counts` says how many rows of each table went."""

    id: str
    reason: JobReason
    scope: Scope
    state: JobState
    requested_at: datetime
    done_at: datetime | None
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        """Whether "deleted" may be said."""
        return self.state is JobState.DONE


@dataclass(frozen=True)
class Admin:
    """An admin account, without its secrets."""

    id: str
    name: str
    created_at: datetime
    disabled: bool
    locked_until: datetime | None


@dataclass(frozen=True)
class AdminIdentity:
    """Who is signed in; `actor` is what the audit log shows, a pseudonym."""

    actor: str
    name: str
    via: str
