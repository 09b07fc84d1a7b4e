"""Memory of what is forgotten goes back to the system, which hands it out as zeros only.

Python frees most of it at once, what refers to itself at some later time, and the C library keeps
freed pages, with what stood in them, for the next use.
"""

import ctypes
import gc
import threading

_went = threading.Event()


def something_went() -> None:
    """Say that something of a person was let go; `give_back` then has work to do."""
    _went.set()


def give_back() -> None:
    """Collect what went since the last call and return its pages to the system."""
    if _went.is_set():
        _went.clear()
        gc.collect()
        trim()


def trim() -> None:
    """Return freed memory to the system, where the C library is glibc."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
