"""A browser's frames to a `LiveSession`, and the picture with the latest boxes back to it.

What WebRTC's thread calls returns at once: it draws what is known and waits for nothing. So the
picture keeps the camera's pace however slow the analysis is; only the labels come more seldom.
"""

from collections.abc import Callable, Collection
from typing import Any, Final

import av
import cv2
import numpy as np

from core.drawing.video import draw_faces
from core.errors import MienError
from core.types import ImageRGB
from services.analysis.live import LiveSession

MAX_OFFER_BYTES: Final = 32_000
MAX_CANDIDATES: Final = 48
MAX_SECTIONS: Final = 3
_MAX_LINE: Final = 500
MAX_FRAME_PIXELS: Final = 1920 * 1080


NO_VIDEO: Final = "This browser offers something else than a live video; a snapshot works."


class OfferRefusedError(MienError):
    """What a browser offers is no plain live video."""

    kind = "offer_refused"


def check_offer(sdp: object) -> None:
    """Raise `OfferRefusedError` unless an offer sends one video and nothing else.

    It comes from a stranger, and whatever nobody reads of a further track stays in memory.
    """
    if not isinstance(sdp, str) or len(sdp) > MAX_OFFER_BYTES:
        raise OfferRefusedError(NO_VIDEO)
    _, *sections = ("\n" + sdp.replace("\r\n", "\n")).split("\nm=")
    sent = [
        section.split()[0] if section.split() else ""
        for section in sections
        if "\na=recvonly" not in section and "\na=inactive" not in section
    ]
    n_candidates = sdp.count("a=candidate:")
    if sent != ["video"] or len(sections) > MAX_SECTIONS or n_candidates > MAX_CANDIDATES:
        raise OfferRefusedError(NO_VIDEO)


def few_candidates(said: object, known: Collection[str]) -> dict[str, dict[str, Any]]:
    """Those ways to a browser that it may name after its offer, of what it `said`, by their names.

    Each is tried by sending to it; a stranger may not have thousands of places looked at, or
    others than ways. `known` were let through before.
    """
    ways = list(said.items()) if isinstance(said, dict) else []
    fit = {
        name: way
        for name, way in ways[:MAX_CANDIDATES]
        if isinstance(way, dict)
        and isinstance(way.get("candidate"), str)
        and len(way["candidate"]) <= _MAX_LINE
    }
    new = [name for name in fit if name not in known]
    too_many = set(new[max(MAX_CANDIDATES - len(known), 0) :])
    return {name: way for name, way in fit.items() if name not in too_many}


class FrameProcessor:
    """Frames of one browser through one `LiveSession`, as streamlit-webrtc calls it.

    `on_end` is called once the stream has ended, on WebRTC's thread.
    """

    def __init__(self, session: LiveSession, on_end: Callable[[], None]) -> None:
        """Mirror by default, as people know themselves."""
        self.session, self.mirror = session, True
        self._on_end = on_end

    async def recv_queued(self, frames: list[Any]) -> list[Any]:
        """The newest of `frames` with the latest boxes drawn in; the others are dropped."""
        newest = frames[-1]
        if newest.width * newest.height > MAX_FRAME_PIXELS:
            self.session.close()  # a flood, or no camera of anybody's
            return []
        image_rgb: ImageRGB = np.asarray(newest.to_ndarray(format="rgb24"), np.uint8)
        if self.mirror:
            image_rgb = np.asarray(cv2.flip(image_rgb, 1), np.uint8)
        self.session.offer(lambda: image_rgb, n_skipped=len(frames) - 1)
        latest = self.session.latest
        canvas = image_rgb.copy()
        height, width = canvas.shape[:2]
        if latest is not None and latest.size_wh == (width, height):
            draw_faces(canvas, latest.faces)
        return [av.VideoFrame.from_ndarray(canvas, format="rgb24")]

    def on_ended(self) -> None:
        """The browser has stopped, left or vanished."""
        self._on_end()
