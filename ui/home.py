"""The first screen: what Mien does, what it cannot tell, where to go."""

import streamlit as st

from ui.shared.resources import default_report
from ui.shared.text import percent


def first_screen() -> None:
    """Render the Home page."""
    st.title("Mien")
    st.markdown(
        "**Finds faces in photos and says which of seven expressions each resembles.** "
        "It shows how sure it is, how often it is right, and keeps nothing unless you ask it to."
    )
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.subheader("Look at photos")
        st.write(
            "Drop one photo or many, or try a sample. Every face gets a box and seven scores; "
            "results can be downloaded."
        )
        st.page_link("pages/upload.py", label="Upload photos", icon=":material/arrow_forward:")
    with right, st.container(border=True, height="stretch"):
        st.subheader("Before you trust it")
        st.write(_accuracy_sentence())
        st.page_link(
            "pages/model_metrics.py", label="See how it was measured",
            icon=":material/arrow_forward:",
        )  # fmt: skip
    st.subheader("What it cannot tell")
    st.markdown(
        "- **What somebody feels.** A face can look angry in thought or happy out of politeness; "
        "people scowl in only about a third of the cases in which they are angry "
        "(Barrett et al. 2019).\n"
        "- **Who somebody is.** Faces are not recognised, compared or remembered.\n"
        "- **Anything to decide about a person by.** Inferring emotions at work or in education "
        "is prohibited in the EU; the wording here is that an expression *resembles* one of seven."
    )


def _accuracy_sentence() -> str:
    report = default_report()
    if report is None:
        return "How often the model is right is measured on pictures that it never saw."
    overall = report["all"]
    low, high = overall["accuracy_ci95"]
    return (
        f"On {overall['n']:,} test pictures of FER-2013 that it never saw, the default model is "
        f"right in **{percent(overall['accuracy'], 1)}** of the cases (95\u00a0% interval "
        f"{percent(low, 1)} to {percent(high, 1)}). People agree with those labels in about "
        "65\u00a0% (Goodfellow et al. 2013)."
    )
