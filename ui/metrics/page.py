"""Model Metrics: which models, which images, which section."""

import streamlit as st

from core.errors import MienError
from ui.metrics.bias_audit import audit
from ui.metrics.compare import compare
from ui.metrics.curves import confidence, curves, robustness, training
from ui.metrics.detection import detection
from ui.metrics.errors import errors
from ui.metrics.groups import groups, model_card
from ui.metrics.overview import overview, pick
from ui.metrics.subjects import ALL, UNIQUE, Subject, missing, subject
from ui.shared.resources import cards, report, settings

# Name -> whether it looks at the chosen set of test images.
SECTIONS = {
    "Overview": True,
    "Errors": True,
    "Curves": True,
    "Confidence": True,
    "Training": False,
    "Robustness": False,
    "Compare": True,
    "Groups": False,
    "Face detection": False,
    "Audit your data": False,
    "Model card": False,
}
_ICONS = {
    "Overview": "speed", "Errors": "grid_on", "Curves": "show_chart", "Confidence": "rule",
    "Training": "school", "Robustness": "foggy", "Compare": "compare_arrows",
    "Groups": "diversity_3", "Face detection": "face", "Audit your data": "fact_check",
    "Model card": "badge",
}  # fmt: skip


def page() -> None:
    """The whole page below its title."""
    section = st.segmented_control(
        "Section", list(SECTIONS), default="Overview", required=True, key="metrics_section",
        label_visibility="collapsed", width="stretch",
        format_func=lambda name: f":material/{_ICONS[name]}: {name}",
    )  # fmt: skip
    section = str(section)
    if section == "Audit your data":
        audit()
        return
    if section == "Face detection":
        detection()
        return
    if section == "Compare":
        compare(_which(st.container()))
        return
    if section in ("Overview", "Confidence"):
        subjects = _subjects(several=True, with_set=SECTIONS[section])
    else:
        subjects = _subjects(several=False, with_set=SECTIONS[section])
    if not subjects:
        return
    try:
        _section(section, subjects)
    except MienError as error:
        st.error(str(error), icon=":material/error:")


def _section(section: str, subjects: list[Subject]) -> None:
    one = subjects[0]
    if section == "Overview":
        overview(subjects)
        _provenance(one.model_id)
    elif section == "Confidence":
        confidence(subjects)
    elif section == "Errors":
        errors(pick(subjects, "errors"))
    elif section == "Curves":
        curves(one)
    elif section == "Training":
        training(one)
    elif section == "Robustness":
        robustness(one)
    elif section == "Groups":
        groups(one.model_id)
    elif section == "Model card":
        model_card(one.model_id)


def _subjects(*, several: bool, with_set: bool) -> list[Subject]:
    """The chosen models on the chosen images; empty with a message where there are none."""
    names = list(cards())
    if not names:
        missing("No model is shipped.", "mien publish")
        return []
    default = settings().default_model if settings().default_model in names else names[0]
    left, right = st.columns([1.4, 1], vertical_alignment="bottom")
    if several:
        chosen = left.multiselect("Models", names, default=[default], key="metrics_models")
    else:
        at = names.index(default)
        chosen = [left.selectbox("Model", names, index=at, key="metrics_model")]
    which = _which(right) if with_set else ALL
    if not chosen:
        st.info("Choose at least one model.", icon=":material/arrow_upward:")
        return []
    found = [one for one in (subject(name, which) for name in chosen) if one is not None]
    for name in set(chosen) - {one.name for one in found}:
        missing(f"What {name} said of the test images is not stored.", "mien publish")
    return found


def _which(place: "st.delta_generator.DeltaGenerator") -> str:
    value = place.segmented_control(
        "Images", [ALL, UNIQUE], default=ALL, required=True, key="metrics_which",
        help="310 of FER-2013's 3,589 test images are nearly the same as a training image; "
        "a model can know those by heart.",
    )  # fmt: skip
    return str(value)


def _provenance(model_id: str) -> None:
    stored = report(model_id)
    if stored is None:
        return
    st.caption(
        f"{stored['dataset']}, {stored['split']}; made by `{stored['command']}` and stored in "
        f"`models/{model_id}/`. This page recomputes its figures from `predictions.npz` there."
    )
