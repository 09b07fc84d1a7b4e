"""Components of other packages, known to the server wherever they were imported."""

from typing import Any

from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx


def make_known(component: Any) -> None:
    """Let the server serve the files of a component (`st.components.v1`); once is enough.

    Streamlit registers a component only where its module is imported by a page's run (1.67:
    `declare_component`). `serve.py` imports all of them before the first visitor comes, and the
    browser then gets 404 for what the component is made of.
    """
    if runtime.exists() and get_script_run_ctx() is not None:
        runtime.get_instance().component_registry.register_component(component)
