"""What people let us keep and use for measuring how well the product works."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select

from db.consent import events as consent
from db.policy.retention import alive, policy_days
from db.seal.vault import Sealed, Vault
from db.tables import AnalysisRow, StoredImageRow, SubjectRow
from db.types import Kind, Purpose
from db.unit import ReadUnit


@dataclass(frozen=True)
class EvaluationItem:
    """One kept image with the result kept beside it; either may be None, never both.

    Attributes:
        image: encoded image.
        result_json: the kept result as JSON text.
    """

    image: bytes | None
    result_json: str | None


def items(look: ReadUnit, vault: Vault) -> Iterator[EvaluationItem]:
    """Yield what may be used for evaluation at this moment, without ids of persons.

    Raises:
        SealBrokenError: an item was changed or its key is lost.
    """
    for subject in look.session.scalars(select(SubjectRow).order_by(SubjectRow.id)).all():
        allowed = consent.given(look.session, subject.pseudonym)
        if {Purpose.ANALYSE, Purpose.EVALUATION} <= allowed:
            yield from _items_of(look, vault, subject.id)


def _items_of(look: ReadUnit, vault: Vault, subject_id: str) -> Iterator[EvaluationItem]:
    days = policy_days(look.session)
    results = {
        row.id: vault.open(subject_id, Sealed.RESULT, row.id, row.sealed_result).decode()
        for row in look.session.scalars(
            select(AnalysisRow).where(
                AnalysisRow.subject_id == subject_id,
                alive(AnalysisRow, look.now, days[Kind.RESULT]),
            )
        )
    }
    images = look.session.scalars(
        select(StoredImageRow).where(
            StoredImageRow.subject_id == subject_id,
            alive(StoredImageRow, look.now, days[Kind.IMAGE]),
        )
    )
    for row in images:
        result_json = results.pop(row.analysis_id or "", None)
        yield EvaluationItem(vault.read_image(subject_id, row.id), result_json)
    for result_json in results.values():
        yield EvaluationItem(None, result_json)
