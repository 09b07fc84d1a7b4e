"""What somebody may want to use the product for, and what the law says about each."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from db.policy.legal import LegalDate, legal_dates

__all__ = ["LegalDate", "legal_dates"]


@dataclass(frozen=True)
class ContextOfUse:
    """One answer to "What is this for?", and whether and why the product works for it.

    `key` is kept with a consent; `law_ids` are entries of db/policy/legal_dates.toml.

    Examples:
        >>> [asked.key for asked in CONTEXTS.values() if not asked.allowed]
        ['work', 'education']
        >>> asked: ContextOfUse = CONTEXTS["work"]
        >>> [(law.id, str(law.applies_from)) for law in asked.laws]  # why not, and since when
        [('ai_act_5_1_f', '2025-02-02')]
    """

    key: str
    label: str
    allowed: bool
    explanation: str
    law_ids: tuple[str, ...]

    @property
    def laws(self) -> tuple[LegalDate, ...]:
        """The entries behind `law_ids`."""
        return tuple(entry for entry in legal_dates().dates if entry.id in self.law_ids)


CONTEXTS: dict[str, ContextOfUse] = {
    key: ContextOfUse(key, **entry | {"law_ids": tuple(entry["law_ids"])})
    for key, entry in tomllib.loads(
        Path(__file__).with_name("contexts_of_use.toml").read_text("utf-8")
    ).items()
}
