"""Model Metrics: which section, which models, which pictures."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from core.errors import MienError
from ui.metrics.bias_audit import audit
from ui.metrics.compare import compare
from ui.metrics.coverage import coverage
from ui.metrics.curves import confidence, curves, robustness, training
from ui.metrics.detection import detection
from ui.metrics.errors import errors, local_images
from ui.metrics.groups import groups
from ui.metrics.overview import model_card, overview
from ui.metrics.subjects import ALL, UNIQUE, Subject, missing, subject
from ui.shared.resources import cards, first_model, report
from ui.shared.text import plain
from ui.shared.widgets import choose, choose_part


@dataclass(frozen=True)
class Section:
    """One section of the page, given the chosen models on the chosen set of test pictures.

    `several` is None where the section asks for models itself; some look at no set of pictures.
    """

    render: Callable[[list[Subject]], None]
    several: bool | None = False
    with_set: bool = True


def _overview(subjects: list[Subject]) -> None:
    overview(subjects)
    stored = report(subjects[0].model_id)
    if stored is not None:
        st.caption(
            f"{stored['dataset']}, {stored['split']}; made by `{stored['command']}`. This page "
            "recomputes its figures from the scores of each picture."
        )


def _confidence(subjects: list[Subject]) -> None:
    confidence(subjects)
    coverage(subjects[0])


# In the order in which somebody asks: how right, what is mixed up, for whom, how sure, when not.
SECTIONS: dict[str, Section] = {
    "Overview": Section(_overview, several=True),
    "Confusion": Section(lambda some: errors(some[0], pictures=local_images(some[0]))),
    "Groups": Section(lambda some: groups(some[0].model_id), with_set=False),
    "Confidence": Section(_confidence, several=True),
    "Robustness": Section(lambda some: robustness(some[0]), with_set=False),
    "Compare": Section(lambda _: compare(_which(st.container())), several=None),
    "Your own data": Section(lambda _: audit(), several=None),
    "Curves": Section(lambda some: curves(some[0])),
    "Face detection": Section(lambda _: detection(), several=None),
    "Training": Section(lambda some: training(some[0]), with_set=False),
    "Model card": Section(lambda some: model_card(some[0].model_id), with_set=False),
}


def page() -> None:
    """The whole page below its title."""
    chosen = choose_part(list(SECTIONS), "metrics_section", width="stretch", bind="query-params")
    st.set_page_config(page_title=f"{chosen} · Mien")
    section = SECTIONS[chosen]
    subjects = []
    if section.several is not None:
        subjects = _subjects(several=section.several, with_set=section.with_set)
        if not subjects:
            return
    try:
        section.render(subjects)
    except MienError as error:
        st.error(plain(error), icon=":material/error:")


def _subjects(*, several: bool, with_set: bool) -> list[Subject]:
    """The chosen models on the chosen images; empty with a message where there are none."""
    names = list(cards())
    if not names:
        missing("No model is shipped.", "mien publish")
        return []
    left, right = st.columns([1.4, 1], vertical_alignment="bottom")
    if several:
        chosen = left.multiselect("Models", names, default=[first_model()], key="metrics_models")
    else:
        at = names.index(first_model())
        chosen = [left.selectbox("Model", names, index=at, key="metrics_model")]
    which = _which(right) if with_set else ALL
    if not chosen:
        st.info("Choose at least one model.", icon=":material/arrow_upward:")
        return []
    found = [one for one in (subject(name, which) for name in chosen) if one is not None]
    for name in set(chosen) - {one.model_id for one in found}:
        missing(f"What {plain(name)} said of the test images is not stored.", "mien publish")
    return found


def _which(place: "st.delta_generator.DeltaGenerator") -> str:
    return choose(
        "Images",
        [ALL, UNIQUE],
        "metrics_which",
        place=place,
        help="310 of FER-2013's 3,589 test images are nearly the same as a training image; "
        "a model can know those by heart.",
    )
