"""`Clip` in a process of its own: a hostile clip can neither stop the server nor swell it.

The process writes to its standard output, each message with a head of its kind and two lengths:
what the clip says of itself, frames, and an end or a refusal. It is never more than a pipe ahead.
"""

import io
import json
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from core.pictures import isolated, video
from core.pictures.video import Clip, ClipFrame, ClipInfo, ClipLimits, ClipRefusedError
from core.types import ImageRGB

MEMORY_BYTES: Final = 1_000_000_000  # sixteen frames of the largest size, and room
FRAME_S: Final = 20.0  # longer for one frame, and the process is ended
CLIPS_AT_A_TIME: Final = 4  # however many people have sent one: each may take that memory
MOMENTS_AT_A_TIME: Final = 2
_ASK_EVERY_S: Final = 0.25
_HEAD: Final = struct.Struct("<cIId")  # kind, two lengths, seconds
_INFO, _FRAME, _END, _REFUSED = b"i", b"f", b"e", b"r"


_clips = threading.BoundedSemaphore(CLIPS_AT_A_TIME)
_moments = threading.BoundedSemaphore(MOMENTS_AT_A_TIME)


class IsolatedClip:
    """An opened clip, decoded elsewhere; use it in a `with` statement, as `Clip`.

    `waiting` is called a few times a second while the next frame is not there yet, or as many
    others are decoded as may be. With `at_s` there is at most one frame, as `Clip.frame_at` finds.

    Raises:
        ClipRefusedError: one of its subclasses, whose message fits to be shown.
    """

    def __init__(
        self,
        source: Path | bytes,
        limits: ClipLimits | None = None,
        waiting: Callable[[], None] = lambda: None,
        at_s: float | None = None,
    ) -> None:
        """Start the process and learn what the clip says of itself."""
        self._waiting = waiting
        self.notes: tuple[str, ...] = ()
        self._place = _clips if at_s is None else _moments
        while not self._place.acquire(timeout=_ASK_EVERY_S):
            waiting()
        try:
            self._process = _started(source, limits or ClipLimits(), at_s)
        except BaseException:
            self._place.release()
            raise
        self._closed = False
        try:
            _, size, _, _ = self._message(_INFO)
            said = json.loads(self._read(size))
            self.info = ClipInfo(**{**said, "size_wh": tuple(said["size_wh"])})
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "IsolatedClip":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process; harmless the second time."""
        if self._closed:
            return
        self._closed = True
        self._place.release()
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def frames(self) -> Iterator[ClipFrame]:
        """As `Clip.frames`; the pixels of a frame are overwritten by those of the next."""
        image_rgb: ImageRGB = np.empty((0, 0, 3), np.uint8)
        while True:
            kind, height, width, t_s = self._message(_FRAME, _END)
            if kind == _END:
                self.notes = tuple(json.loads(self._read(height)))
                return
            if image_rgb.shape != (height, width, 3):
                image_rgb = np.empty((height, width, 3), np.uint8)
            self._fill(image_rgb.data.cast("B"))
            yield ClipFrame(image_rgb, t_s)

    def _message(self, *expected: bytes) -> tuple[bytes, int, int, float]:
        """The next message's head; a refusal is raised."""
        kind, height, width, t_s = _HEAD.unpack(self._read(_HEAD.size))
        if kind == _REFUSED:
            name, words = json.loads(self._read(height))
            raise getattr(video, name)(words)
        if kind not in expected:
            raise _ended_by_itself()
        return kind, height, width, t_s

    def _await(self) -> None:
        """Return once there is something to read."""
        started, stream = time.monotonic(), self._process.stdout
        while stream is not None and not select.select([stream], [], [], _ASK_EVERY_S)[0]:
            if time.monotonic() - started > FRAME_S:
                raise video.ClipTooLargeError(
                    "This video takes too long to decode; please export it again as MP4 in 1080p."
                )
            self._waiting()

    def _read(self, n_bytes: int) -> bytes:
        data = bytearray(n_bytes)
        self._fill(memoryview(data))
        return bytes(data)

    def _fill(self, room: memoryview) -> None:
        stream: Any = self._process.stdout
        at = 0
        while at < len(room):
            self._await()  # each time: the process may stop in the middle of a frame
            n_read = stream.readinto(room[at:]) if stream is not None else 0
            if not n_read:
                raise _ended_by_itself()
            at += n_read


def _ended_by_itself() -> ClipRefusedError:
    """The process met a limit of the operating system, or fell over."""
    return video.DamagedClipError(
        "This video could not be decoded within the limits; please export it again as MP4."
    )


def _started(
    source: Path | bytes, limits: ClipLimits, at_s: float | None
) -> "subprocess.Popen[bytes]":
    name = "core.pictures.video_process"
    arguments = (json.dumps(asdict(limits)), json.dumps(at_s))
    if isinstance(source, Path):
        with video.open_file(source) as file:
            return isolated.start(name, *arguments, stdin=file)
    process = isolated.start(name, *arguments, stdin=subprocess.PIPE)
    try:
        if process.stdin is not None:
            with process.stdin:
                isolated.write_all(process.stdin, source)
    except BrokenPipeError:  # it has ended and said why, or is found to have ended
        pass
    return process


def _send(kind: bytes, body: bytes | memoryview, sizes: tuple[int, int], t_s: float = 0.0) -> None:
    out = sys.stdout.buffer
    out.write(_HEAD.pack(kind, *sizes, t_s))
    out.write(body)
    out.flush()


def _send_json(kind: bytes, value: object) -> None:
    body = json.dumps(value).encode()
    _send(kind, body, (len(body), 0))


def _main() -> None:
    """Decode standard input to standard output, all of it or one frame."""
    limits, at_s = ClipLimits(**json.loads(sys.argv[1])), json.loads(sys.argv[2])
    file: BinaryIO = sys.stdin.buffer
    if not file.seekable():
        file = io.BytesIO(file.read(limits.max_bytes + 1))
    processor_s = int(FRAME_S if at_s is not None else 30 + 2 * limits.max_seconds)
    isolated.limit_myself(memory_bytes=MEMORY_BYTES, processor_s=processor_s)
    try:
        with Clip(file, limits) as clip:
            _send_json(_INFO, asdict(clip.info))
            for frame in clip.frames() if at_s is None else filter(None, [clip.frame_at(at_s)]):
                height, width, _ = frame.image_rgb.shape
                pixels = np.ascontiguousarray(frame.image_rgb)
                _send(_FRAME, pixels.data.cast("B"), (height, width), frame.t_s)
            _send_json(_END, clip.notes)
    except ClipRefusedError as refusal:
        _send_json(_REFUSED, (type(refusal).__name__, str(refusal)))


if __name__ == "__main__":
    _main()
