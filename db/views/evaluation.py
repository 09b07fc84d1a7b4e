"""What people let us keep and use for measuring how well the product works."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.consent import events as consent
from db.policy.retention import kept
from db.seal.rows import is_genuine
from db.seal.vault import Sealed, Vault
from db.tables import AnalysisRow, StoredImageRow, SubjectRow
from db.types import Kind, Purpose
from db.unit import ReadUnit

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class EvaluationItem:
    """One encoded image with the result kept beside it; either may be None, never both."""

    image: bytes | None
    result_json: str | None


def items(look: ReadUnit, vault: Vault) -> Iterator[EvaluationItem]:
    """Yield what may be used for evaluation at this moment, without ids of persons.

    Raises:
        SealBrokenError: an item was changed or its key is lost.
    """
    for subject in look.session.scalars(select(SubjectRow).order_by(SubjectRow.id)).all():
        if _allowed(look.session, subject):
            yield from _items_of(look, vault, subject.id)


def _allowed(session: Session, subject: SubjectRow) -> bool:
    if not {Purpose.ANALYSE, Purpose.EVALUATION} <= consent.given(session, subject.pseudonym):
        return False
    if is_genuine(session, subject) and consent.is_borne_out(session, subject.pseudonym):
        return True
    logger.error("an item was left out of the evaluation: its consent was changed from outside")
    return False


def _items_of(look: ReadUnit, vault: Vault, subject_id: str) -> Iterator[EvaluationItem]:
    results = {
        row.id: vault.open(subject_id, Sealed.RESULT, row.id, row.sealed_result).decode()
        for row, _ in kept(look, AnalysisRow, Kind.RESULT, subject_id)
    }
    for row, _ in kept(look, StoredImageRow, Kind.IMAGE, subject_id):
        result_json = results.pop(row.analysis_id or "", None)
        yield EvaluationItem(vault.read_image(subject_id, row.id), result_json)
    for result_json in results.values():
        yield EvaluationItem(None, result_json)
