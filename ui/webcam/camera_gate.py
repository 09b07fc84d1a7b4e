"""Asks the browser for the camera once, and hears what it says.

streamlit-webrtc reports neither "denied" nor "no camera" to Python, and while it is told to play
it asks again and again. So this asks first; only a camera that was granted is handed on. The
picture is released at once, none of it is looked at.
"""

from typing import Any, Final

import streamlit as st

_JS: Final = """
const asked = new WeakMap();
export default function ({ data, setStateValue, parentElement }) {
  const ask = data.ask;
  if (!ask || asked.get(parentElement) === ask) return;
  asked.set(parentElement, ask);
  const report = (status) => setStateValue("answer", { ask, status });
  if (!navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) {
    report("unsupported");
    return;
  }
  navigator.mediaDevices.getUserMedia({ video: true }).then(
    (stream) => {
      stream.getTracks().forEach((track) => track.stop());
      report("granted");
    },
    (error) => report(error.name),
  );
}
"""

_mount: Any = st.components.v2.component("mien_camera_gate", js=_JS)


def camera_answer(ask: int) -> str:
    """Ask for the camera if `ask` is above 0 and has not been asked before.

    Returns "granted", the name of the browser's error, "unsupported", or "" while there is none.
    """
    result = _mount(data={"ask": ask}, key="camera_gate", on_answer_change=_nothing)
    answer = result.answer or {}
    return str(answer.get("status", "")) if ask and answer.get("ask") == ask else ""


def _nothing() -> None:
    """Streamlit wants a callback for each state; the run that follows reads it."""
