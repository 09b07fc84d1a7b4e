"""What an audit found: downloads, and the same sections as for the shipped test set."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from services.bias_audit.judge import AuditResult
from services.bias_audit.report import audit_html
from services.bias_audit.tables import audit_csv, audit_json
from ui.metrics.compare import two
from ui.metrics.curves import confidence, corrupted, curves
from ui.metrics.errors import errors
from ui.metrics.groups import breakdown
from ui.metrics.overview import overview, pick
from ui.metrics.subjects import Subject
from ui.shared.text import percent


def show_result(result: AuditResult, forget: Callable[[], None]) -> None:
    """Downloads, what was left out, and one section; `forget` drops data and result."""
    _downloads(result, forget)
    _left_out(result)
    subjects = [
        Subject(one.model_id, one.model_id, one.predictions, one.threshold)
        for one in result.models
    ]
    tabs = ["Overview", "Errors", "Curves", "Confidence", "Groups"]
    if len(subjects) > 1:
        tabs.append("Compare")
    if any(one.robustness for one in result.models):
        tabs.append("Robustness")
    chosen = st.segmented_control("Result", tabs, default="Overview", required=True,
                                  key="audit_section")  # fmt: skip
    if chosen == "Overview":
        overview(subjects)
    elif chosen == "Confidence":
        confidence(subjects, key="audit_confidence")
    elif chosen == "Compare":
        two(subjects, key="audit_compare")
    else:
        _of_one(str(chosen), result, pick(subjects, "audit_result"))


def _of_one(chosen: str, result: AuditResult, subject: Subject) -> None:
    """A section that shows one model."""
    model = next(one for one in result.models if one.model_id == subject.model_id)
    if chosen == "Errors":
        errors(subject, key="audit_confusion", images=False)
    elif chosen == "Curves":
        curves(subject)
    elif chosen == "Groups":
        breakdown(model.bias, key="audit_bias")
    elif model.robustness is None:
        st.info("None of the drawn pictures had a face.", icon=":material/foggy:")
    else:
        corrupted(model.robustness, key="audit_corrupted")


def _downloads(result: AuditResult, forget: Callable[[], None]) -> None:
    with st.container(horizontal=True):
        for label, maker, name, mime in (
            ("Report (HTML)", audit_html, "audit.html", "text/html"),
            ("Figures (JSON)", audit_json, "audit.json", "application/json"),
            ("Pictures' scores (CSV)", audit_csv, "audit.csv", "text/csv"),
        ):
            st.download_button(
                label, partial(maker, result), name, mime, key=f"audit_{name}",
                on_click="ignore", icon=":material/download:",
            )  # fmt: skip
        st.button("Forget this data", on_click=forget, icon=":material/delete:")


def _left_out(result: AuditResult) -> None:
    if not result.undetected:
        return
    n_all = len(result.rows) + len(result.undetected)
    of_all = ", ".join(
        f"{percent(float(one.predictions.right.sum()) / n_all, 1)} ({one.model_id})"
        for one in result.models
    )
    st.warning(
        f"No face was found in {len(result.undetected)} of {n_all} pictures. Below are the "
        f"others; counting those without a face as wrong, accuracy is {of_all}."
    )
