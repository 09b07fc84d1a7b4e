"""The public part of Ethics & Privacy: way of a photo, limits, law and uses, bias, policy."""

from datetime import UTC, datetime

import pandas as pd
import streamlit as st
from pydantic import ValidationError

from core.measures.groups.breakdown import BiasReport
from core.measures.groups.wording import PREDICTED_BANNER, summary_rows
from services.person.consent import Kind, current_policy, days_offered
from services.person.context_of_use import LegalDate, legal_dates
from services.store import Store, StoreError
from ui.metrics.subjects import read_json
from ui.privacy.flow import flow_html
from ui.privacy.texts import CANNOT_TELL, LIMITS, OTHERS_BIAS, USES, Claim, Use
from ui.shared.resources import default_report, settings
from ui.shared.text import day, percent

NOT_MEASURED = (
    "How errors differ between groups of people is **not measured yet** for this product. Until "
    "it is, assume that it is wrong more often for some people than for others, as others found "
    "for models like it."
)

_BIAS_COLUMNS = ["attribute", "worst", "best", "gap", "chance (95 %)", "verdict"]


def photo_section(store: Store | None) -> None:
    """What happens to a photo, in plain words and one picture."""
    st.subheader("What happens to a photo", anchor=False)
    days = _days(store)
    dark = st.context.theme.type == "dark"
    st.html(flow_html(days[Kind.RESULT], days[Kind.IMAGE], dark=dark))
    st.markdown(
        "- **By default nothing is kept.** A photo you only analyse is never written to disk.\n"
        "- **It stays on the computer that serves this page.** No other service sees it, nothing "
        "is learnt from it, nobody is told about it.\n"
        "- **What you allow is kept apart.** Image and result are locked with a key made for you "
        "alone; when that key is destroyed, no copy can be opened any more, backups included.\n"
        "- **Sample pictures** are public portraits. They need no consent, and nothing is kept "
        "of them."
    )
    if store is not None:
        st.markdown(f"**Who answers for it.** {store.controller.sentence}")
    st.page_link("pages/upload.py", label="To the photos", icon=":material/arrow_forward:")


def _days(store: Store | None) -> dict[Kind, int]:
    nothing = {Kind.RESULT: 0, Kind.IMAGE: 0}
    try:
        return nothing if store is None else days_offered(store)
    except StoreError:
        return nothing  # the page says elsewhere that the store does not answer


def limits_section() -> None:
    """What it cannot tell, why, and whom it may judge worse."""
    cannot, limits = st.columns(2, gap="large")
    with cannot:
        st.subheader("What it cannot tell", anchor=False)
        st.markdown("\n".join(f"- **{what}** {why}" for what, why in CANNOT_TELL))
        st.caption(_accuracy())
    with limits:
        st.subheader("Scientific limits", anchor=False)
        st.markdown(_claims(LIMITS))
    st.subheader("Whom it may judge worse", anchor=False)
    _bias()
    st.markdown("**What others found in models like it**")
    st.markdown(_claims(OTHERS_BIAS))


def _accuracy() -> str:
    report = default_report()
    if report is None:
        return "The default model has not been evaluated here; do not rely on it."
    worst, measures = min(
        report["all"]["per_class"].items(), key=lambda entry: float(entry[1]["recall"])
    )
    return (
        f"Measured on FER-2013's test pictures, the default model is right in "
        f"{percent(report['all']['accuracy'], 1)} of the cases; of the faces labelled "
        f'"{worst}" it recognises {percent(measures["recall"])}.'
    )


def _claims(claims: tuple[Claim, ...]) -> str:
    return "\n".join(f"- {claim.text} ([{claim.source}]({claim.url}))" for claim in claims)


def _bias() -> None:
    reports = bias_reports()
    # Brightness or sharpness are no groups of people.
    if all(part.source == "measured" for report in reports for part in report.attributes):
        st.info(NOT_MEASURED, icon=":material/balance:")
    if not reports:
        return
    for report in reports:
        st.markdown(f"**{report.title}** – {report.dataset}, {report.n:,} pictures")
        if any(part.source == "predicted" for part in report.attributes):
            st.warning(PREDICTED_BANNER, icon=":material/psychology_alt:")
        table = pd.DataFrame(summary_rows(report), columns=_BIAS_COLUMNS)
        st.dataframe(table, hide_index=True, height="content")
    st.caption(
        "The verdict allows for the number of attributes tested (Holm). A gap that chance "
        "explains does not show that groups are treated alike."
    )
    st.page_link(
        "pages/model_metrics.py", label="All groups, intervals and charts on Model Metrics",
        icon=":material/arrow_forward:",
    )  # fmt: skip


def bias_reports() -> list[BiasReport]:
    """The breakdowns in `models/studies/bias_*.json`; files of other kinds are left out."""
    found = []
    for file in sorted((settings().models_dir / "studies").glob("bias_*.json")):
        try:
            found.append(BiasReport.model_validate(read_json(file)))
        except ValidationError:
            continue  # such as the study of the data set itself, which has other fields
    return found


def law_section() -> None:
    """Prohibited and high-risk uses with their dates, and three fields of use."""
    known = legal_dates()
    st.subheader("Prohibited and high-risk uses", anchor=False)
    left, right = st.columns(2, gap="large")
    left.error(
        "**Prohibited: at work and in education.** Inferring emotions of staff, applicants, "
        "pupils or students is banned in the European Union, consent or not; only medical and "
        "safety reasons are excepted. Mien refuses it everywhere.",
        icon=":material/block:",
    )
    right.warning(
        "**High-risk: nearly everything else.** Emotion recognition that is not prohibited falls "
        "under Annex III of the AI Act: risk management, documentation, human oversight. The law "
        "calls it emotion recognition even where, as here, only expressions are compared.",
        icon=":material/warning:",
    )
    st.markdown("\n".join(_law_line(entry) for entry in known.dates))
    st.caption(
        f"Dates as of {day(known.as_of)}, from a data file. For information, not legal "
        'advice. "text": the law itself was read; "secondary": an article about it.'
    )
    st.subheader("Where it might be of use, and what the law says", anchor=False)
    for place, use in zip(st.columns(len(USES), gap="medium"), USES, strict=True):
        with place, st.container(border=True, height="stretch"):
            _use(use, known.dates)


def _law_line(entry: LegalDate) -> str:
    in_force = entry.in_force(datetime.now(UTC).date())
    badge = ":green-badge[in force]" if in_force else ":orange-badge[not yet in force]"
    return (
        f"- **{day(entry.applies_from)}** {badge} {entry.law}: {entry.says} "
        f"([source]({entry.source}), {entry.read})"
    )


def _use(use: Use, dates: tuple[LegalDate, ...]) -> None:
    st.markdown(f"{use.icon} **{use.title}**  \n*{use.verdict}*")
    st.markdown("**It might help with**\n" + "\n".join(f"- {line}" for line in use.could))
    st.markdown(f"**The law.** {use.law}")
    st.markdown(f"**Here.** {use.product}")
    laws = [entry for entry in dates if entry.id in use.law_ids]
    st.caption(
        "  \n".join(f"[{entry.law}]({entry.source}), {day(entry.applies_from)}" for entry in laws)
    )


def policy_section(store: Store | None, problem: str) -> None:
    """The published schedule, as a text and as a file."""
    if store is None:
        st.error(problem, icon=":material/database_off:")
        return
    try:
        policy = current_policy(store)
    except StoreError as error:
        st.error(str(error), icon=":material/database_off:")
        return
    with st.container(border=True):
        st.markdown(policy.text.replace("# ", "### ", 1))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Policy (Markdown)",
            policy.text,
            f"mien-retention-policy-v{policy.version}.md",
            "text/markdown",
            on_click="ignore",
            icon=":material/download:",
        )
        st.caption(
            f"Version {policy.version}, published {day(policy.published_at)}, "
            f"SHA-256 {policy.sha256[:12]}…"
        )
