"""MediaPipe's tasks: loading them without holding on to who asked, calling and closing them."""

import importlib
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np

from core.types import ImageRGB


@cache
def vision_tasks() -> Any:
    """The module `mediapipe.tasks.python.vision`; its first import takes about a second.

    It is imported on a thread of its own: MediaPipe (1.2, `audio_record`) keeps the exception by
    which it learns that there is no library of sound, for good, and with it all frames that led
    there, which would be a page's with somebody's photo in them.
    """
    with ThreadPoolExecutor(1) as thread:
        name = "mediapipe.tasks.python.vision"
        return thread.submit(importlib.import_module, name).result()


class VisionTask:
    """A task such as `FaceDetector`, made of its options, behind a lock.

    It is closed when nobody holds it any more, at the latest when the interpreter exits: the
    task's own destructor fails to do that at exit.
    """

    def __init__(self, kind: str, base: dict[str, Any], **options: Any) -> None:
        """Load the networks that `base`, its `BaseOptions`, names."""
        vision = vision_tasks()
        from mediapipe.tasks.python import BaseOptions

        chosen = getattr(vision, f"{kind}Options")(base_options=BaseOptions(**base), **options)
        self._task = getattr(vision, kind).create_from_options(chosen)
        self._lock = threading.Lock()
        weakref.finalize(self, _close, self._task)

    def detect(self, image_rgb: ImageRGB) -> Any:
        """The task's own result for an image (height, width, 3)."""
        import mediapipe as mp

        image = mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(image_rgb))
        with self._lock:
            return self._task.detect(image)


def _close(task: Any) -> None:
    try:
        task.close()
    except RuntimeError:
        # At exit the task's own thread has ended and takes no more work; the process gives the
        # memory back. Without its handle the destructor does not try again, and complain.
        task._handle = None
