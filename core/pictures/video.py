"""Video clips from strangers: checked, then decoded one frame at a time.

FFmpeg reads some three hundred formats; here it is told which of six to use, by the file's
first bytes, and meets no codec outside a short list. Only the frame in hand is in memory.

Examples:
    >>> file = io.BytesIO()
    >>> with av.open(file, "w", format="mp4") as made:  # a second of grey, ten pictures
    ...     stream = made.add_stream("mpeg4", rate=10, width=64, height=48)
    ...     grey = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 128, np.uint8), "rgb24")
    ...     for _ in range(10):
    ...         made.mux(stream.encode(grey))
    ...     made.mux(stream.encode())
    >>> with Clip(file.getvalue(), ClipLimits(max_fps=5)) as clip:
    ...     clip.info
    ...     [(frame.t_s, frame.image_rgb.shape) for frame in clip.frames()][:2]  # of ClipFrame
    ClipInfo(codec='mpeg4', size_wh=(64, 48), duration_s=1.0, fps=10.0)
    [(0.0, (48, 64, 3)), (0.2, (48, 64, 3))]
    >>> try:
    ...     Clip(file.getvalue(), ClipLimits(max_seconds=0.4))
    ... except ClipRefusedError as refused:  # one of its subclasses
    ...     print(refused.kind)
    clip_too_long
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
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from core.errors import MienError
from core.pictures.files.kinds import is_regular, video_format_of
from core.pictures.structure import asks_too_much
from core.types import ImageRGB

SUFFIXES: Final = (
    ".mp4", ".m4v", ".mov", ".3gp", ".webm", ".mkv", ".avi", ".wmv", ".asf", ".mpg", ".mpeg",
    ".ts", ".mts", ".m2ts",
)  # fmt: skip
CODECS: Final = (
    "h264", "hevc", "mpeg4", "vp8", "vp9", "av1", "libdav1d", "libvpx", "libvpx-vp9",
    "mjpeg", "h263", "mpeg1video", "mpeg2video", "msmpeg4", "msmpeg4v2", "wmv1", "wmv2", "wmv3",
    "vc1",
)  # fmt: skip
KINDS_TEXT: Final = "MP4, MOV, 3GP, WebM, MKV, AVI, WMV, MPG or MTS"
MAX_SIDE_PX: Final = 1280  # larger frames are shrunk while they are decoded
MAX_PIXELS: Final = 4096 * 2304
MAX_PIXELS_PER_S: Final = 4096 * 2304 * 60  # what the largest phones and cameras record
MAX_FPS: Final = 30.0
# Pictures that end this much before the file's own duration are said to; sound may be longer.
_MISSING_S: Final = 0.5
_DAMAGED: Final = "This video is damaged or cut short; please export or download it again."
_TOLD_ERRORS = (av.error.FFmpegError, ValueError, EOFError)


class ClipRefusedError(MienError):
    """A video clip that cannot be analysed."""


class ClipTooLargeError(ClipRefusedError):
    """More bytes or pixels than allowed."""


class ClipTooLongError(ClipRefusedError):
    """More seconds than allowed."""


class UnsupportedClipError(ClipRefusedError):
    """No kind of video that is read, without pictures, or in a codec that is not allowed."""


class DamagedClipError(ClipRefusedError):
    """Starts like a clip but cannot be decoded."""


@dataclass(frozen=True)
class ClipLimits:
    """What is accepted: bytes of the file, seconds, and frames a second that are handed out."""

    max_bytes: int = 50_000_000
    max_seconds: float = 60.0
    max_fps: float = MAX_FPS


@dataclass(frozen=True)
class ClipInfo:
    """What a clip says of itself; browsers give recordings no duration, `fps` 0 is unknown.

    `size_wh` is in pixels and before the turn that a camera noted.
    """

    codec: str
    size_wh: tuple[int, int]
    duration_s: float | None
    fps: float


@dataclass(frozen=True, eq=False)
class ClipFrame:
    """One decoded frame, upright: `image_rgb` uint8 (height, width, 3) at `t_s` seconds.

    The longer side has `MAX_SIDE_PX` at most; time counts from the first frame.
    """

    image_rgb: ImageRGB
    t_s: float


class Clip:
    """An opened clip; use it in a `with` statement.

    Attributes:
        notes: after the last frame, sentences for the user.

    Args:
        source: a path, the file's bytes, or an open file that can be sought in.
        limits: what is accepted.

    Raises:
        ClipRefusedError: one of its subclasses, whose message fits to be shown.
    """

    def __init__(self, source: Path | bytes | BinaryIO, limits: ClipLimits | None = None) -> None:
        """Open and check; nothing is decoded yet."""
        self.limits = limits or ClipLimits()
        self.notes: tuple[str, ...] = ()
        self._n_damaged = 0
        self._file = _opened(source)
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
        """Frames in order, at most `limits.max_fps` a second; those that are damaged are left out.

        Afterwards `notes` says where the file ended early or was damaged.

        Raises:
            ClipTooLongError: at the first frame after the limit, whatever the file claimed.
            ClipTooLargeError: more pixels a second than allowed, whatever the file claimed.
            DamagedClipError: where nothing can be decoded.
        """
        next_s, first_s, n_decoded, t_s = -1.0, None, 0, 0.0
        for frame in self._decoded():
            time_s = frame.time if frame.time is not None else n_decoded / (self.info.fps or 25)
            first_s = time_s if first_s is None else first_s
            t_s = max(time_s - first_s, t_s)
            n_decoded += 1
            if t_s > self.limits.max_seconds:
                raise self._too_long()
            # Of the first second as much as of a whole one: players' buffers come at once.
            if n_decoded * frame.width * frame.height > MAX_PIXELS_PER_S * (t_s + 1):
                raise _too_fast()
            if t_s < next_s:
                continue
            if (image_rgb := self._image_of(frame)) is None:
                continue
            next_s = t_s + 0.9 / self.limits.max_fps  # 0.9: timestamps are rounded
            yield ClipFrame(image_rgb, t_s)
        if next_s < 0:
            raise DamagedClipError(
                "No picture could be decoded from this video; please export it again as MP4."
            )
        self._note_the_end(t_s + 1 / (self.info.fps or 25))

    def frame_at(self, t_s: float) -> ClipFrame | None:
        """The first frame at `t_s` seconds or after, found from the key frame before it.

        Raises:
            DamagedClipError: where decoding fails.
        """
        base = self._stream.time_base
        start = self._stream.start_time or 0
        first_s = float(start * base) if base else 0.0
        if base:
            self._container.seek(start + int(t_s / base), stream=self._stream, backward=True)
        for frame in self._decoded():
            if frame.time is not None and frame.time - first_s >= t_s - 1e-3:
                image_rgb = self._image_of(frame)
                return None if image_rgb is None else ClipFrame(image_rgb, frame.time - first_s)
        return None

    def _image_of(self, frame: VideoFrame) -> ImageRGB | None:
        """Its pixels, upright; None where they are in a form that FFmpeg cannot turn into RGB."""
        try:
            return _upright(frame)
        except _TOLD_ERRORS:
            self._n_damaged += 1
            return None

    def _decoded(self) -> Iterator[VideoFrame]:
        """Frames of all packets that can be decoded; a file may end or be damaged anywhere."""
        is_jpeg = self._stream.codec_context.name == "mjpeg"
        for packet in self._packets():
            if is_jpeg and packet is not None and asks_too_much(bytes(packet)):
                self._n_damaged += 1
                continue
            try:
                yield from self._stream.decode(packet)
            except _TOLD_ERRORS:
                self._n_damaged += 1

    def _packets(self) -> "Iterator[Packet[VideoStream] | None]":
        try:
            yield from self._container.demux(self._stream)
        except _TOLD_ERRORS:
            self._n_damaged += 1
            yield None  # makes the decoder hand out what it still holds

    def _note_the_end(self, end_s: float) -> None:
        all_s, fps = self._whole_s(), self.info.fps or 25
        if all_s - end_s > max(_MISSING_S, 2 / fps):
            self.notes = (
                f"The video ends after {end_s:.1f} of {all_s:.1f} s; the rest is missing.",
            )
        elif self._n_damaged:
            self.notes = ("Parts of this video are damaged and were left out.",)

    def _whole_s(self) -> float:
        """How long the pictures should be; 0 where nothing says so."""
        stream = self._stream
        if stream.duration is None or stream.time_base is None:
            return self._duration_s() or 0.0
        # Of AVI files that were cut, FFmpeg guesses the duration; the count of frames is right.
        counted_s = stream.frames / self.info.fps if self.info.fps else 0.0
        return max(float(stream.duration * stream.time_base), counted_s)

    def _demux(self) -> InputContainer:
        size = self._file.seek(0, io.SEEK_END)
        self._file.seek(0)
        if size > self.limits.max_bytes:
            raise ClipTooLargeError(
                f"This video has {size / 1e6:.1f} MB; the limit is "
                f"{self.limits.max_bytes / 1e6:.0f} MB, so please cut or compress it."
            )
        if size == 0:
            raise UnsupportedClipError("This file is empty; please choose the original video.")
        head = self._file.read(400)
        self._file.seek(0)
        name = video_format_of(head)
        if name is None:
            raise UnsupportedClipError(
                f"This is no {KINDS_TEXT} video, whatever its name says; please export it as MP4."
            )
        try:
            return av.open(self._file, mode="r", format=name)
        except _TOLD_ERRORS as exc:
            raise DamagedClipError(_DAMAGED) from exc

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
        rate = float(stream.average_rate or stream.guessed_rate or 0)
        if context.width * context.height > MAX_PIXELS:
            raise ClipTooLargeError(
                f"This video has {context.width} × {context.height} pixels; "
                "please export it in 1080p or smaller."
            )
        if context.width * context.height * rate > MAX_PIXELS_PER_S:
            raise _too_fast()
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


def open_file(path: Path) -> BinaryIO:
    """Open a file to read; raises ClipRefusedError if it cannot be."""
    try:
        if not is_regular(path):
            raise ClipRefusedError("This cannot be read: it is a folder, a pipe or a device.")
        return path.open("rb")
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or "no such name is possible"
        raise ClipRefusedError(
            f"This file cannot be read ({reason}); please check that it exists."
        ) from exc


def _opened(source: Path | bytes | BinaryIO) -> BinaryIO:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    return open_file(source) if isinstance(source, Path) else source


def _too_fast() -> ClipTooLargeError:
    return ClipTooLargeError(
        "This video has more pixels a second than 4K at 60 frames; please export it in 1080p."
    )


def _upright(frame: VideoFrame) -> ImageRGB:
    """The frame as RGB, shrunk to `MAX_SIDE_PX`, turned as the camera noted."""
    scale = min(1.0, MAX_SIDE_PX / max(frame.width, frame.height))
    width, height = max(round(frame.width * scale), 2), max(round(frame.height * scale), 2)
    image_rgb = np.asarray(frame.to_ndarray(format="rgb24", width=width, height=height), np.uint8)
    quarter_turns = round(frame.rotation / 90) % 4
    if quarter_turns:
        image_rgb = np.ascontiguousarray(np.rot90(image_rgb, quarter_turns))
    return image_rgb
