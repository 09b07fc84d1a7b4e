"""The public part of Ethics & Privacy: way of a photo, limits, law and uses, bias, policy."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from core.measures.groups.breakdown import BiasReport
from core.measures.groups.gaps import Gap
from core.measures.groups.wording import PREDICTED_BANNER, points, summary_rows
from db.errors import StoreError
from db.types import Kind
from services.person.consent import current_policy, days_offered
from services.person.context_of_use import LegalDate, legal_dates
from services.store import Store
from ui.metrics.charts import gaps_figure
from ui.metrics.groups import gap_rows
from ui.metrics.subjects import study
from ui.privacy.flow import flow_html
from ui.privacy.texts import TEXTS, Claim, Use
from ui.shared.figures import show
from ui.shared.resources import default_report, settings
from ui.shared.store import need_store, opened
from ui.shared.text import day, percent, plain
from ui.shared.widgets import download

NOT_MEASURED = (
    "How errors differ between groups of people is **not measured yet** for this product. Until "
    "it is, assume that it is wrong more often for some people than for others, as others found "
    "for models like it."
)

# Studies of the default model that are shown, and how many gaps at most.
_BREAKDOWNS, _SHOWN = ("predicted", "utkface", "measured"), 10


def photo_section() -> None:
    """What happens to a photo, in plain words and one picture."""
    store = opened().store
    st.header("What happens to a photo", anchor=False)
    days = _days(store)
    st.html(flow_html(days[Kind.RESULT], days[Kind.IMAGE]))
    st.markdown(
        "- **By default nothing is kept.** A photo you only analyse is never written to disk.\n"
        "- **It stays on the computer that serves this page.** No other service sees it, nothing "
        "is learnt from it, nobody is told about it.\n"
        "- **What you allow is kept apart.** Image and result are locked with a key made for you "
        "alone; when that key is destroyed, no copy can be opened any more, backups included.\n"
        "- **Sample pictures** are drawings of nobody and public portraits. They need no "
        "consent, and nothing is kept of them."
    )
    if store is not None:
        st.markdown(f"**Who answers for it.** {plain(store.controller.sentence)}")
    st.page_link("pages/upload.py", label="To the photos", icon=":material/arrow_forward:")


def _days(store: Store | None) -> dict[Kind, int]:
    nothing = {Kind.RESULT: 0, Kind.IMAGE: 0}
    try:
        return nothing if store is None else days_offered(store)
    except StoreError:
        return nothing  # the page says elsewhere that the store does not answer


def limits_section() -> None:
    """What it cannot tell, whom it may judge worse, and why."""
    st.header("What it cannot tell", anchor=False)
    st.markdown("\n".join(f"- **{what}** {why}" for what, why in TEXTS.cannot_tell))
    st.caption(_accuracy())
    st.header("Whom it may judge worse", anchor=False)
    _bias()
    st.header("What studies found", anchor=False)
    st.markdown(_claims((*TEXTS.limits[:1], *TEXTS.others_bias[:1])))
    with st.expander("More studies", icon=":material/menu_book:"):
        st.markdown(_claims((*TEXTS.limits[1:], *TEXTS.others_bias[1:])))


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
    parts = [part for report in reports for part in report.attributes]
    # Brightness or sharpness are no groups of people.
    if all(part.source == "measured" for part in parts):
        st.info(NOT_MEASURED, icon=":material/balance:")
    if not reports:
        return
    if any(part.source == "predicted" for part in parts):
        st.warning(PREDICTED_BANNER, icon=":material/psychology_alt:")
    rows = [row for report in reports for row in gap_rows(report)]
    rows.sort(key=lambda row: -row[1].difference)
    table = pd.DataFrame(
        [{"pictures": one.title} | row for one in reports for row in summary_rows(one)]
    )
    if rows:
        show(
            gaps_figure(rows[:_SHOWN]),
            table,
            key="limits_gaps",
            says=_largest(rows),
            reading="a bar is the difference between the best and the worst group; the grey band "
            "is what chance alone would stay within, which does not show that groups fare alike. "
            "Bars with a colon come from pictures without true labels: differences, no errors.",
            alt="Gaps between groups beside what chance gives",
        )
    else:
        st.dataframe(table, hide_index=True, height="content")
    st.page_link(
        "pages/model_metrics.py",
        label="All groups, intervals and charts on Model Metrics",
        icon=":material/arrow_forward:",
    )


def _largest(rows: list[tuple[str, Gap]]) -> str:
    beyond = [row for row in rows if row[1].beyond_chance]
    if not beyond:
        return f"None of {len(rows)} gaps is larger than chance gives."
    label, gap = beyond[0]
    return (
        f"{len(beyond)} of {len(rows)} gaps are larger than chance gives. The largest is by "
        f"{label}: {points(gap.difference)} between “{gap.lowest}” and “{gap.highest}”."
    )


def bias_reports() -> list[BiasReport]:
    """The default model's breakdowns, people before pixels; what is not there is left out."""
    names = (f"bias_{kind}_{settings().default_model}" for kind in _BREAKDOWNS)
    found = (study(name) for name in names)
    return [BiasReport.model_validate(content) for content in found if content is not None]


def law_section() -> None:
    """What the law means for whoever wants to use it, and since when."""
    known = legal_dates()
    st.header("What it means for you", anchor=False)
    uses = [(f"**{use.title}**", use.verdict, use.product) for use in TEXTS.uses]
    st.markdown(_table(("If you want it for", "then it is", "and here"), uses))
    st.error(
        "**At work and in education it is prohibited** in the European Union, consent or not; "
        "only medical and safety reasons are excepted. Mien refuses it everywhere.",
        icon=":material/block:",
    )
    with st.expander("Which laws, and since when", icon=":material/gavel:"):
        st.markdown(_table(("from", "what it demands", "law"), map(_law_row, known.dates)))
        st.caption(
            f"Dates as of {day(known.as_of)}, from a data file. For information, not legal "
            'advice. "text": the law itself was read; "secondary": an article about it.'
        )
    st.header("What it might be good for", anchor=False)
    for use in TEXTS.uses:
        with st.expander(use.title, icon=use.icon):
            _use(use, known.dates)


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown, whose cells may hold links."""
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _law_row(entry: LegalDate) -> tuple[str, ...]:
    in_force = entry.in_force(datetime.now(UTC).date())
    badge = ":green-badge[in force]" if in_force else ":orange-badge[not yet in force]"
    return (
        f"**{day(entry.applies_from)}** {badge}",
        entry.says,
        f"{entry.law} ([source]({entry.source}), {entry.read})",
    )


def _use(use: Use, dates: tuple[LegalDate, ...]) -> None:
    st.markdown("**It might help with**\n" + "\n".join(f"- {line}" for line in use.could))
    st.markdown(f"**The law.** {use.law}")
    laws = [entry for entry in dates if entry.id in use.law_ids]
    st.caption(
        "  \n".join(f"[{entry.law}]({entry.source}), {day(entry.applies_from)}" for entry in laws)
    )


def policy_section() -> None:
    """The published schedule, as a text and as a file."""
    try:
        policy = current_policy(need_store())
    except StoreError as error:
        st.error(str(error), icon=":material/database_off:")
        return
    paragraphs = policy.text.replace("# ", "## ", 1).split("\n\n")
    at = len(paragraphs) // 2  # who, why and when first; how it is done, below
    with st.container(border=True):
        st.markdown("\n\n".join(paragraphs[:at]))
        with st.expander("The rest of the policy", icon=":material/notes:"):
            st.markdown("\n\n".join(paragraphs[at:]))
    with st.container(horizontal=True, vertical_alignment="center"):
        name = f"mien-retention-policy-v{policy.version}.md"
        download("Policy (Markdown)", policy.text, name)
        st.caption(
            f"Version {policy.version}, published {day(policy.published_at)}, "
            f"SHA-256 {policy.sha256[:12]}…"
        )
