"""Video clips from strangers: checked, then decoded one frame at a time.

FFmpeg reads some three hundred formats; here it is told which of two to use, by the file's
first bytes, and meets no codec outside a short list. Only the frame in hand is in memory.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import av
import av.error
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from core.errors import MienError
from core.types import ImageRGB

SUFFIXES: Final = (".mp4", ".m4v", ".mov", ".webm", ".mkv")
CODECS: Final = ("h264", "hevc", "mpeg4", "vp8", "vp9", "av1", "libdav1d", "libvpx", "libvpx-vp9")
MAX_SIDE_PX: Final = 1280  # larger frames are shrunk while they are decoded
MAX_PIXELS: Final = 4096 * 2304
MAX_FPS: Final = 30.0


class ClipRefusedError(MienError):
    """A video clip that cannot be analysed."""


class ClipTooLargeError(ClipRefusedError):
    """More bytes or pixels than allowed."""


class ClipTooLongError(ClipRefusedError):
    """More seconds than allowed."""


class UnsupportedClipError(ClipRefusedError):
    """Neither MP4 nor WebM by content, without pictures, or in a codec that is not allowed."""


class DamagedClipError(ClipRefusedError):
    """Starts like a clip but cannot be decoded."""


@dataclass(frozen=True)
class ClipLimits:
    """What is accepted."""

    max_bytes: int = 50_000_000
    max_seconds: float = 60.0
    max_fps: float = MAX_FPS


@dataclass(frozen=True)
class ClipInfo:
    """What a clip says of itself.

    Attributes:
        duration_s: None where the file does not say, as in recordings by browsers.
        fps: frames a second, 0 where unknown.
    """

    codec: str
    size_wh: tuple[int, int]
    duration_s: float | None
    fps: float


@dataclass(frozen=True, eq=False)
class ClipFrame:
    """One decoded frame, upright: `image_rgb` (height, width, 3) at `t_s` seconds."""

    image_rgb: ImageRGB
    t_s: float


class Clip:
    """An opened clip; use it in a `with` statement.

    Args:
        source: a path, or the file's bytes.
        limits: what is accepted.

    Raises:
        ClipRefusedError: one of its subclasses, whose message fits to be shown.
    """

    def __init__(self, source: Path | bytes, limits: ClipLimits | None = None) -> None:
        """Open and check; nothing is decoded yet."""
        self.limits = limits or ClipLimits()
        self._file = _open(source)
        try:
            self._container = self._demux()
            self._stream = self._check()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Clip":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release file and decoder."""
        container = getattr(self, "_container", None)
        if container is not None:
            container.close()
        self._file.close()

    @property
    def info(self) -> ClipInfo:
        """What the file says of itself."""
        context = self._stream.codec_context
        rate = self._stream.average_rate or self._stream.guessed_rate
        return ClipInfo(
            codec=context.name,
            size_wh=(context.width, context.height),
            duration_s=self._duration_s(),
            fps=float(rate) if rate else 0.0,
        )

    def frames(self) -> Iterator[ClipFrame]:
        """Frames in order, at most `limits.max_fps` a second.

        Raises:
            ClipTooLongError: at the first frame after the limit, whatever the file claimed.
            DamagedClipError: where decoding fails.
        """
        next_s, first_s, n_frames = -1.0, None, 0
        for frame in self._decoded():
            time_s = frame.time if frame.time is not None else n_frames / (self.info.fps or 25)
            first_s = time_s if first_s is None else first_s
            t_s = time_s - first_s
            if t_s > self.limits.max_seconds:
                raise self._too_long()
            if t_s < next_s:
                continue
            next_s = t_s + 0.9 / self.limits.max_fps  # 0.9: timestamps are rounded
            n_frames += 1
            yield ClipFrame(_upright(frame), t_s)
        if n_frames == 0:
            raise DamagedClipError(
                "No picture could be decoded from this video; please export it again as MP4."
            )

    def _decoded(self) -> Iterator[VideoFrame]:
        try:
            yield from self._container.decode(self._stream)
        except (av.error.FFmpegError, ValueError, EOFError) as exc:
            raise DamagedClipError(
                "This video is damaged or cut short; please export or download it again."
            ) from exc

    def _demux(self) -> InputContainer:
        size = self._file.seek(0, io.SEEK_END)
        self._file.seek(0)
        if size > self.limits.max_bytes:
            raise ClipTooLargeError(
                f"This video has {size / 1e6:.1f} MB; the limit is "
                f"{self.limits.max_bytes / 1e6:.0f} MB, so please cut or compress it."
            )
        head = self._file.read(12)
        self._file.seek(0)
        name = _format_of(head)
        if name is None:
            raise UnsupportedClipError(
                "This is neither an MP4 nor a WebM video, whatever its name says; "
                "please export it as MP4."
            )
        try:
            return av.open(self._file, mode="r", format=name)
        except (av.error.FFmpegError, ValueError, EOFError) as exc:
            raise DamagedClipError(
                "This video is damaged or cut short; please export or download it again."
            ) from exc

    def _check(self) -> VideoStream:
        if not self._container.streams.video:
            raise UnsupportedClipError("This file has no pictures; please choose a video.")
        stream = self._container.streams.video[0]
        context = stream.codec_context
        if context is None or context.name not in CODECS:
            raise UnsupportedClipError(
                "This video is coded in a way that is not accepted; "
                "please export it as MP4 (H.264) or WebM (VP8, VP9)."
            )
        if context.width * context.height > MAX_PIXELS:
            raise ClipTooLargeError(
                f"This video has {context.width} × {context.height} pixels; "
                "please export it in 1080p or smaller."
            )
        duration_s = self._duration_s()
        if duration_s is not None and duration_s > self.limits.max_seconds + 0.5:
            raise self._too_long()
        # One more thread than this and eight streams would crowd a small machine out.
        context.thread_count = 2
        return stream

    def _duration_s(self) -> float | None:
        ticks = self._container.duration
        return None if ticks is None else ticks / av.time_base

    def _too_long(self) -> ClipTooLongError:
        return ClipTooLongError(
            f"This video is longer than {self.limits.max_seconds:.0f} seconds; "
            "please cut it to the part that matters."
        )


def _open(source: Path | bytes) -> BinaryIO:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    try:
        return source.open("rb")
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or "no such name is possible"
        raise ClipRefusedError(
            f"This file cannot be read ({reason}); please check that it exists."
        ) from exc


def _format_of(head: bytes) -> str | None:
    """FFmpeg's name of the format that begins with these twelve bytes, None for any other."""
    if head[4:8] == b"ftyp":
        return "mov"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    return None


def _upright(frame: VideoFrame) -> ImageRGB:
    """The frame as RGB, shrunk to `MAX_SIDE_PX`, turned as the camera noted."""
    scale = min(1.0, MAX_SIDE_PX / max(frame.width, frame.height))
    width, height = max(round(frame.width * scale), 2), max(round(frame.height * scale), 2)
    image_rgb = np.asarray(frame.to_ndarray(format="rgb24", width=width, height=height), np.uint8)
    quarter_turns = round(frame.rotation / 90) % 4
    if quarter_turns:
        image_rgb = np.ascontiguousarray(np.rot90(image_rgb, quarter_turns))
    return image_rgb
