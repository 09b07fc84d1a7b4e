"""One person at the app, without a browser: Streamlit's own protocol over its WebSocket.

Sends what the page's script in a browser sends (protobuf messages of the installed Streamlit) and
reads what comes back. Fifty of these cost the machine less than one browser.
"""

import http.client
import urllib.parse
import urllib.request
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import connect

_GO_ON = ForwardMsg.FINISHED_EARLY_FOR_RERUN


@dataclass
class Screen:
    """What one run of the page has shown, all its steps together."""

    texts: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    widgets: dict[str, Any] = field(default_factory=dict)  # id -> its protobuf message

    def widget(self, kind: str, words: str) -> Any:
        """The first widget of this kind whose label or id holds `words`."""
        for element in self.widgets.values():
            if type(element).__name__ == kind and (
                words in getattr(element, "label", "") or words in element.id
            ):
                return element
        raise LookupError(f"no {kind} with {words!r} on the screen; errors there: {self.errors}")


class StreamlitUser:
    """A session of the app at `url`, on the page at the path `page`. Not for several threads."""

    def __init__(self, url: str, page: str, *, timeout_s: float = 1200.0) -> None:
        self._host = urllib.parse.urlsplit(url).netloc
        self._page, self._timeout_s = page, timeout_s
        self._states: dict[str, WidgetState] = {}
        self._session = ""
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=60) as answer:
            cookies = answer.headers.get_all("Set-Cookie") or []
        self._cookie = next(c for c in cookies if c.startswith("_streamlit_xsrf=")).split(";")[0]
        self._socket = connect(
            f"ws://{self._host}/_stcore/stream",
            subprotocols=["streamlit"],
            additional_headers={"Cookie": self._cookie},
            max_size=None,
            open_timeout=timeout_s,
            ping_interval=None,  # browsers send none either; the server's are answered
        )
        self.screen = self._run()

    def close(self) -> None:
        """Leave, as by closing the tab."""
        self._socket.close()

    def press(self, words: str) -> None:
        """Press a button."""
        pressed = WidgetState(id=self.screen.widget("Button", words).id, trigger_value=True)
        self.screen = self._run(pressed)

    def upload(self, words: str, files: Sequence[tuple[str, bytes]]) -> None:
        """Put files (name, content) into an uploader and wait for the page to be done."""
        uploader = self.screen.widget("FileUploader", words)
        request = BackMsg()
        request.file_urls_request.request_id = uuid.uuid4().hex
        request.file_urls_request.session_id = self._session
        request.file_urls_request.file_names.extend(name for name, _ in files)
        self._socket.send(request.SerializeToString())
        while True:
            message = self._receive()
            if message.WhichOneof("type") == "file_urls_response":
                break
        state = WidgetState(id=uploader.id)
        for (name, data), urls in zip(files, message.file_urls_response.file_urls, strict=True):
            self._put(urls.upload_url, name, data)
            info = state.file_uploader_state_value.uploaded_file_info.add()
            info.file_id, info.name, info.size = urls.file_id, name, len(data)
            info.file_urls.CopyFrom(urls)
        self._states[state.id] = state
        self.screen = self._run()

    def _put(self, path: str, name: str, data: bytes) -> None:
        boundary = uuid.uuid4().hex
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
            "Content-Type: image/jpeg\r\n\r\n"
        ).encode()
        body = head + data + f"\r\n--{boundary}--\r\n".encode()
        connection = http.client.HTTPConnection(self._host, timeout=self._timeout_s)
        connection.request(
            "PUT",
            path,
            body,
            {
                "Content-Type": f"multipart/form-data; boundary={boundary}",
                "Cookie": self._cookie,
                "X-Xsrftoken": self._cookie.split("=", 1)[1],
            },
        )
        answer = connection.getresponse()
        connection.close()
        if answer.status != 204:
            raise RuntimeError(f"the upload was answered with {answer.status}")

    def _run(self, pressed: WidgetState | None = None) -> Screen:
        """Have the page run with the widgets as they are, and read until it has ended."""
        message = BackMsg()
        message.rerun_script.page_name = self._page
        for state in (*self._states.values(), *([pressed] if pressed else [])):
            message.rerun_script.widget_states.widgets.add().CopyFrom(state)
        self._socket.send(message.SerializeToString())
        screen = Screen()
        while True:
            got = self._receive()
            kind = got.WhichOneof("type")
            if kind == "new_session":
                self._session = got.new_session.initialize.session_id or self._session
            elif kind == "delta" and got.delta.HasField("new_element"):
                _note(screen, got.delta.new_element)
            elif kind == "script_finished" and got.script_finished != _GO_ON:
                return screen

    def _receive(self) -> ForwardMsg:
        raw = self._socket.recv(timeout=self._timeout_s)
        message = ForwardMsg()
        message.ParseFromString(raw if isinstance(raw, bytes) else raw.encode())
        return message


def _note(screen: Screen, element: Any) -> None:
    kind = element.WhichOneof("type")
    content = getattr(element, kind) if kind else None
    if kind in ("markdown", "alert", "heading", "html"):
        screen.texts.append(content.body)
        if kind == "alert" and content.format == content.ERROR:
            screen.errors.append(content.body)
    elif kind == "progress":
        screen.texts.append(content.text)
    elif kind == "exception":
        screen.errors.append(content.message)
    elif getattr(content, "id", ""):
        screen.widgets[content.id] = content
