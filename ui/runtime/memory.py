"""Memory of what is forgotten is overwritten, and goes back to the system.

Python frees most of it at once, what refers to itself at some later time. The C library would keep
freed pages, with what stood in them, for the next use.
"""

import ctypes
import gc
from typing import Final

# A page that was still running lets its pictures go a moment later.
_LOOKS: Final = 2
_M_PERTURB: Final = -6  # glibc's malloc.h
_FREED_BYTE: Final = 0xFF
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


def overwrite_freed() -> bool:
    """Overwrite from now on whatever is freed, in whatever library, where the C library is glibc.

    It costs 2 % of a photo's time, and up to 10 % of one of 12 megapixels. What Python itself
    deals out is not overwritten: objects of at most 512 bytes, which hold no pixels.

    Returns:
        Whether the C library can.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(_M_PERTURB, _FREED_BYTE) == 1


def trim() -> None:
    """Return freed memory to the system, where the C library is glibc."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
