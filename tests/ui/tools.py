"""What tests of pages share: reading a page as a person does, and looking into its store."""

from typing import Any

from streamlit.testing.v1 import AppTest

from services.admin.review import Action, AuditFilter, holdings, log_entries
from services.store import Store
from tests.paths import ROOT
from ui.photos.session import PhotosState

ASTRONAUT = (ROOT / "samples" / "astronaut.jpg").read_bytes()
HOPPER = (ROOT / "samples" / "grace_hopper.jpg").read_bytes()
UNSHARP = (ROOT / "samples" / "grace_hopper_unsharp.jpg").read_bytes()  # people would be split
READABLE = (
    "markdown", "caption", "info", "warning", "error", "success", "header", "subheader", "html",
    "title",
)  # fmt: skip


def text_of(app: AppTest) -> str:
    """All that a person can read in Markdown, captions, notes and errors."""
    return "\n".join(str(element.value) for kind in READABLE for element in app.get(kind))


def button(app: AppTest, label: str) -> Any:
    """The one button with this label."""
    (found,) = (button for button in app.button if button.label == label)
    return found


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def upload(app: AppTest, data: bytes = ASTRONAUT, name: str = "me.jpg") -> AppTest:
    return app.file_uploader[0].upload(name, data, "image/jpeg").run()


def kept(store: Store) -> tuple[int, int]:
    """How many results and images are stored."""
    result, image = holdings(store)
    return result.count, image.count


def logged(store: Store, action: Action) -> int:
    """How many rows of this action the audit log has."""
    return log_entries(store, AuditFilter(action=action.value))[1]


def details(store: Store, action: Action) -> list[str]:
    """What the log's rows of this action say besides, as JSON."""
    return [
        row.details_json
        for row in [entry.row for entry in log_entries(store, AuditFilter(action=action.value))[0]]
    ]


def photos_of(app: AppTest) -> PhotosState:
    """What the session remembers of its photos."""
    found: PhotosState = app.session_state["ui.photos.session.PhotosState"]
    return found


def choose_sample(app: AppTest, title: str = "Smiling") -> AppTest:
    """Click a sample's picture on Upload."""
    return app.pills(key="sample").set_value(title).run()


def code_of(app: AppTest) -> str:
    """The receipt code on the page."""
    (code,) = (element.value for element in app.code)
    return str(code)
