"""Analyses: each leaves an audit row, and what its consent allows is kept, in one transaction."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from db.audit import log as audit
from db.consent import events as consent
from db.consent import subjects
from db.policy.retention import policy_days
from db.seal.vault import Sealed, Vault
from db.tables import AnalysisRow, StoredImageRow
from db.types import Kind, Purpose, Way
from db.unit import WriteUnit

PURPOSE_OF = {Kind.RESULT: Purpose.KEEP_RESULT, Kind.IMAGE: Purpose.KEEP_IMAGE}


@dataclass(frozen=True)
class Kept:
    """Ids of what was kept; None for what was not."""

    analysis_id: str | None
    image_id: str | None


def record(
    unit: WriteUnit,
    vault: Vault,
    pseudonym: str,
    *,
    model_id: str,
    face_count: int,
    result: Mapping[str, Any],
    encoded_image: bytes | None,
) -> Kept:
    """Write that an analysis was made, and keep of it exactly what is allowed at this moment.

    `result` is what can be kept as JSON, `encoded_image` is re-encoded without metadata.

    Raises:
        ConsentError: the consent does not allow an analysis (any more); nothing is written.
        ClockBackwardsError: the clock was set back.
        TypeError: `result` is not JSON.
    """
    unit.require_honest_clock()
    purposes = consent.require(unit, pseudonym)
    subject_id, days = _may_keep(unit, pseudonym, purposes)
    analysis_id = image_id = None
    if Kind.RESULT in days:
        analysis_id = _keep_result(unit, vault, subject_id, days[Kind.RESULT], model_id, result)
    if Kind.IMAGE in days and encoded_image is not None:
        image = _keep_image(unit, vault, subject_id, days[Kind.IMAGE], encoded_image)
        image.analysis_id, image_id = analysis_id, image.id
    details: audit.Details = {
        "model": model_id,
        "faces": face_count,
        "kept_result": analysis_id is not None,
        "kept_image": image_id is not None,
        "way": Way.PHOTO.value,
    }
    unit.log(audit.Action.ANALYSED, audit.subject_actor(pseudonym), details)
    return Kept(analysis_id, image_id)


def log_unkept(
    unit: WriteUnit,
    pseudonym: str | None,
    way: Way,
    *,
    model_id: str,
    counts: Mapping[str, int],
    object_id: str = "",
) -> None:
    """Write that an analysis was made of which nothing is kept, whatever the consent allows.

    Without a pseudonym by whoever runs commands on the serving computer. `object_id` is random,
    where another row is to follow about the same analysis. Raises what `record` raises.
    """
    if pseudonym is not None:
        unit.require_honest_clock()
        consent.require(unit, pseudonym)
    kept = {"kept_result": False, "kept_image": False}
    unit.log(
        audit.Action.ANALYSED,
        audit.OPERATOR if pseudonym is None else audit.subject_actor(pseudonym),
        {"model": model_id, **counts, **kept, "way": way.value},
        object_id=object_id,
    )


def _may_keep(
    unit: WriteUnit, pseudonym: str, purposes: frozenset[Purpose]
) -> tuple[str, dict[Kind, int]]:
    """Subject id and, for each kind that may be kept now, the days promised for it."""
    subject = subjects.find_by_pseudonym(unit.session, pseudonym)
    if subject is None:
        return "", {}
    subjects.require_genuine(unit.session, subject)
    record = subjects.record_of(unit.session, subject.id)
    policy, age = policy_days(unit.session), unit.now - record.given_at
    return subject.id, {
        kind: days
        for kind, days in subjects.promised_days(record).items()
        # The record's time may have been cut by a policy.
        if PURPOSE_OF[kind] in purposes and age < timedelta(days=min(days, policy[kind]))
    }


def _keep_result(
    unit: WriteUnit,
    vault: Vault,
    subject_id: str,
    days: int,
    model_id: str,
    result: Mapping[str, Any],
) -> str:
    analysis_id = uuid4().hex
    plain = json.dumps(dict(result), allow_nan=False).encode()
    unit.session.add(
        AnalysisRow(
            id=analysis_id,
            subject_id=subject_id,
            stored_at=unit.now,
            promised_until=unit.now + timedelta(days=days),
            model_id=model_id,
            sealed_result=vault.seal(subject_id, Sealed.RESULT, analysis_id, plain),
        )
    )
    return analysis_id


def _keep_image(
    unit: WriteUnit, vault: Vault, subject_id: str, days: int, encoded_image: bytes
) -> StoredImageRow:
    image_id = uuid4().hex
    unit.on_failure(lambda: vault.remove_images([image_id]))
    row = StoredImageRow(
        id=image_id,
        subject_id=subject_id,
        stored_at=unit.now,
        promised_until=unit.now + timedelta(days=days),
        size_bytes=vault.write_image(subject_id, image_id, encoded_image),
    )
    unit.session.add(row)
    return row
