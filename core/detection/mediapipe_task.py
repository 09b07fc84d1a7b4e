"""MediaPipe's tasks: loading them without holding on to who asked, and closing them."""

import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any


@cache
def vision_tasks() -> Any:
    """The module `mediapipe.tasks.python.vision`; its first import takes about a second.

    It is imported on a thread of its own: MediaPipe (1.2, `audio_record`) keeps the exception by
    which it learns that there is no library of sound, for good, and with it all frames that led
    there, which would be a page's with somebody's photo in them.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_import_vision).result()


def _import_vision() -> Any:
    from mediapipe.tasks.python import vision

    return vision


def close_with(owner: object, task: Any) -> None:
    """Close `task` when `owner` goes away, at the latest when the interpreter exits.

    Their own destructors fail to do that at exit.
    """
    weakref.finalize(owner, _close, task)


def _close(task: Any) -> None:
    try:
        task.close()
    except RuntimeError:
        # At exit the task's own thread has ended and takes no more work; the process gives the
        # memory back. Without its handle the destructor does not try again, and complain.
        task._handle = None
