"""Closing MediaPipe's tasks, which their own destructors fail to do at interpreter exit."""

import weakref
from typing import Any


def close_with(owner: object, task: Any) -> None:
    """Close `task` when `owner` goes away, at the latest when the interpreter exits."""
    weakref.finalize(owner, _close, task)


def _close(task: Any) -> None:
    try:
        task.close()
    except RuntimeError:
        # At exit the task's own thread has ended and takes no more work; the process gives the
        # memory back. Without its handle the destructor does not try again, and complain.
        task._handle = None
