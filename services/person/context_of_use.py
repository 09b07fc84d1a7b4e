"""What somebody may want to use the product for, and what the law says about each."""

from dataclasses import dataclass

from db.policy.legal import LegalDate, legal_dates

__all__ = ["LegalDate", "legal_dates"]

PROHIBITED_LAW = "ai_act_5_1_f"


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


_ALL = (
    ContextOfUse(
        "personal",
        "Trying it out, for myself",
        True,
        "Show only photos of yourself, or of people who agreed to it.",
        ("ai_act_50_3",),
    ),
    ContextOfUse(
        "research",
        "Research",
        True,
        "Your participants need to know and to agree, and your ethics board will want to know the "
        "error rates by group on the Model Metrics page.",
        ("gdpr", "ai_act_50_3"),
    ),
    ContextOfUse(
        "customer_service",
        "Customer service or market research",
        True,
        "Customers must be told clearly before it runs, and must be able to say no. It is "
        "high-risk under the AI Act, and it must not be turned on the people who work there.",
        ("ai_act_50_3", "ai_act_annex_iii"),
    ),
    ContextOfUse(
        "medical",
        "Health care",
        True,
        "The prohibition for work and education has an exception for medical reasons, but this "
        "product is not a medical device: do not diagnose, treat or decide anything with it.",
        ("ai_act_5_1_f", "ai_act_annex_iii"),
    ),
    ContextOfUse(
        "safety",
        "Safety, such as a tired driver",
        True,
        "Tiredness and pain are not emotions and this product does not measure them. The "
        "exception for safety reasons is narrow and does not cover watching how people feel.",
        ("ai_act_5_1_f", "ai_act_annex_iii"),
    ),
    ContextOfUse(
        "work",
        "At work: staff, applicants, interviews",
        False,
        "Inferring emotions of people at work is prohibited in the European Union, so this "
        "product refuses it everywhere.",
        (PROHIBITED_LAW,),
    ),
    ContextOfUse(
        "education",
        "In education: pupils, students, exams",
        False,
        "Inferring emotions of people in education is prohibited in the European Union, so this "
        "product refuses it everywhere.",
        (PROHIBITED_LAW,),
    ),
)

CONTEXTS: dict[str, ContextOfUse] = {context.key: context for context in _ALL}
