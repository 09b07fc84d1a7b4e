"""Asks the browser for the camera once, and hears what it says.

streamlit-webrtc reports neither "denied" nor "no camera" to Python, and while it is told to play
it asks again and again. So this asks first; only a camera that was granted is handed on. The
picture is released at once, none of it is looked at.
"""

from pathlib import Path
from typing import Any

import streamlit as st

_JS = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
_mount: Any = st.components.v2.component("mien_camera_gate", js=_JS)


def camera_answer(ask: int) -> str:
    """Ask for the camera if `ask` is above 0 and has not been asked before.

    Returns "granted", the name of the browser's error, "unsupported", or "" while there is none.
    """
    # Streamlit wants a callback for each state; the run that follows reads it.
    result = _mount(data={"ask": ask}, key="camera_gate", on_answer_change=lambda: None)
    answer = result.answer or {}
    return str(answer.get("status", "")) if ask and answer.get("ask") == ask else ""
