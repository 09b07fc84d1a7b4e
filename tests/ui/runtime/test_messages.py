"""Messages that a page may send and no visitor has a use for. A running server: tests/e2e."""

from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.runtime.app_session import AppSession

from ui.runtime.messages import HEARD, refuse_needless_messages

KINDS = list(BackMsg.DESCRIPTOR.oneofs_by_name["type"].fields)


@pytest.mark.parametrize("field", KINDS, ids=[field.name for field in KINDS])
def test_only_what_pages_need_reaches_a_session(
    field: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: list[str] = []
    monkeypatch.setattr(
        AppSession, "handle_backmsg", lambda _self, message: reached.append(message)
    )
    monkeypatch.setattr(AppSession, "mien_listens", False, raising=False)
    refuse_needless_messages()
    refuse_needless_messages()  # does not listen to itself
    message = BackMsg()
    if field.message_type is not None:
        getattr(message, field.name).SetInParent()
    else:
        setattr(message, field.name, True if field.type == field.TYPE_BOOL else "x")
    stub: Any = SimpleNamespace()
    AppSession.handle_backmsg(stub, message)
    assert reached == ([message] if field.name in HEARD else [])


def test_every_kind_that_is_heard_exists() -> None:
    assert {field.name for field in KINDS} >= HEARD
