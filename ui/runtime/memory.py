"""Memory of what is forgotten goes back to the system, which hands it out as zeros only.

Python frees most of it at once, what refers to itself at some later time, and the C library keeps
freed pages, with what stood in them, for the next use.
"""

import ctypes
import gc
from typing import Final

# A page that was still running lets its pictures go a moment later.
_LOOKS: Final = 2
_looks_left = 0


def something_went() -> None:
    """Say that something of a person was let go; `give_back` then has work to do."""
    global _looks_left
    _looks_left = _LOOKS


def give_back() -> None:
    """Collect what went lately and return its pages to the system; called every few seconds."""
    global _looks_left
    if _looks_left > 0:
        _looks_left -= 1
        gc.collect()
        trim()


def trim() -> None:
    """Return freed memory to the system, where the C library is glibc."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
