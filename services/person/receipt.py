"""The consent record and receipt, in the terms of ISO/IEC TS 27560.

The receipt is a full copy of the record: header, processing, parties, events. It holds no
pseudonym, so that after an erasure nothing links the paper in a person's hand to a log.
"""

import json
import tomllib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from db.types import (
    Consent,
    ConsentEvent,
    ConsentState,
    Controller,
    Kind,
    Notice,
    Purpose,
    SubjectView,
)

SCHEMA_VERSION = "ISO/IEC TS 27560:2023, mien-consent-record-1"
SCHEMA_FILE = Path(__file__).with_name("consent_record.schema.json")
KIND_OF = {Purpose.KEEP_RESULT: Kind.RESULT, Purpose.KEEP_IMAGE: Kind.IMAGE}
TERMS: Final = tomllib.loads(Path(__file__).with_name("consent_record.toml").read_text("utf-8"))


def receipt_of_consent(
    consent: Consent,
    notice: Notice,
    *,
    controller: Controller,
    signed_name: str = "",
) -> dict[str, Any]:
    """The record of a consent that was just given."""
    states = {
        purpose: ConsentState.GIVEN if purpose in consent.choices.given else ConsentState.REFUSED
        for purpose in Purpose
    }
    view = SubjectView(
        record_id=consent.record_id,
        subject_id=consent.subject_id or consent.record_id,
        context=consent.context,
        notice=notice,
        given_at=consent.given_at,
        valid_until=consent.valid_until,
        signed_name=signed_name or None,
        states=states,
        promised_days=consent.promised_days,
        events=tuple(
            ConsentEvent(consent.given_at, purpose, state, consent.notice_id)
            for purpose, state in states.items()
        ),
        analyses=(),
        images=(),
    )
    return receipt_of_subject(view, controller=controller)


def receipt_of_subject(view: SubjectView, *, controller: Controller) -> dict[str, Any]:
    """The record as it stands now, withdrawals included."""
    return {
        "header": {
            "schema_version": SCHEMA_VERSION,
            "record_id": view.record_id,
            "pii_principal_id": view.subject_id,
            "created": _time(view.given_at),
            "valid_until": _time(view.valid_until),
        },
        "processing": _processing(view),
        "parties": [
            controller.as_party(),
            {
                "party_id": view.subject_id,
                "party_type": "PII principal",
                "party_name": view.signed_name or "",
                "party_address": "",
                "party_contact": "",
            },
        ],
        "events": [
            {
                "event_time": _time(event.at),
                "event_type": "explicit",
                "event_state": event.state.value,
                "purpose": event.purpose.value,
                "privacy_notice_id": event.notice_id,
                "entity_id": view.subject_id,
            }
            for event in view.events
        ],
    }


def as_json(record: Mapping[str, Any]) -> str:
    """The record as a text file, times in ISO 8601."""
    text = json.dumps(record, indent=2, ensure_ascii=False, default=datetime.isoformat)
    return text + "\n"


def _processing(view: SubjectView) -> dict[str, Any]:
    return {
        "privacy_notice": {
            "id": view.notice.id,
            "version": view.notice.version,
            "sha256": view.notice.sha256,
            "published": _time(view.notice.published_at),
        },
        "language": view.notice.language,
        "context_of_use": view.context,
        "purposes": [
            _purpose(purpose, view.states.get(purpose, ConsentState.REFUSED), view.promised_days)
            for purpose in Purpose
        ],
        **TERMS["processing"],
    }


def _purpose(
    purpose: Purpose, state: ConsentState, promised_days: Mapping[Kind, int]
) -> dict[str, Any]:
    kind = KIND_OF.get(purpose)
    days = promised_days.get(kind, 0) if kind is not None else 0
    terms = TERMS["purposes"][purpose.value]
    return {
        "purpose": purpose.value,
        "description": terms["description"],
        "state": state.value,
        "lawful_basis": "explicit consent, GDPR 6(1)(a) and 9(2)(a)",
        "pii": terms["pii"],
        "retention_period": f"P{days}D",
    }


def _time(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
