"""Video clips made by code."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from tests.paths import ROOT

RGB = NDArray[np.uint8]


def encode_clip(
    frames: Iterable[RGB],
    *,
    fmt: str = "mp4",
    codec: str = "mpeg4",
    fps: int = 30,
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
) -> bytes:
    """`frames`, all of one even size, as a file."""
    buffer = io.BytesIO()
    # PyAV's types do not know every option that its stream takes.
    container: Any = av.open(buffer, "w", format=fmt, options=options or {})
    stream: Any = None
    for image_rgb in frames:
        if stream is None:
            stream = container.add_stream(codec, rate=fps)
            stream.height, stream.width = image_rgb.shape[:2]
            stream.pix_fmt = pix_fmt
            stream.bit_rate = 2_000_000
        for packet in stream.encode(av.VideoFrame.from_ndarray(image_rgb, format="rgb24")):
            container.mux(packet)
    for packet in stream.encode():
        container.mux(packet)
    container.close()
    return buffer.getvalue()


def sound_only() -> bytes:
    """An MP4 without pictures."""
    buffer = io.BytesIO()
    container: Any = av.open(buffer, "w", format="mp4")
    stream: Any = container.add_stream("aac", rate=8000, layout="mono")
    for i in range(4):
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate, frame.pts = 8000, 1024 * i
        for packet in stream.encode(frame):
            container.mux(packet)
    for packet in stream.encode():
        container.mux(packet)
    container.close()
    return buffer.getvalue()


def plain(n_frames: int, size_wh: tuple[int, int] = (320, 240)) -> list[RGB]:
    """Grey frames, each a little lighter."""
    width, height = size_wh
    return [np.full((height, width, 3), 40 + i % 160, np.uint8) for i in range(n_frames)]


def turned_by_its_header(mp4: bytes) -> bytes:
    """The clip with a note that it is to be shown a quarter turn clockwise, as phones do.

    ISO/IEC 14496-12, 8.3.2: the track header ends with a matrix of nine 32-bit numbers and the
    size; the matrix begins 40 bytes after the version byte.
    """
    at = mp4.index(b"tkhd") + 4 + 40
    numbers = (0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
    matrix = b"".join(number.to_bytes(4, "big", signed=True) for number in numbers)
    return mp4[:at] + matrix + mp4[at + 36 :]


def moov_first(mp4: bytes) -> bytes:
    """The clip with its index before its pictures, as files for the web have it.

    ISO/IEC 14496-12, 8.7.5: `stco` holds a count and the places of chunks in the file, which are
    all moved by the length of the index.
    """
    at, atoms = 0, []
    while at < len(mp4):
        size = int.from_bytes(mp4[at : at + 4], "big")
        atoms.append(mp4[at : at + size])
        at += size
    (moov,) = [atom for atom in atoms if atom[4:8] == b"moov"]
    places = moov.index(b"stco") + 8
    count = int.from_bytes(moov[places : places + 4], "big")
    for entry in range(places + 4, places + 4 + 4 * count, 4):
        place = int.from_bytes(moov[entry : entry + 4], "big") + len(moov)
        moov = moov[:entry] + place.to_bytes(4, "big") + moov[entry + 4 :]
    first, *rest = [atom for atom in atoms if atom[4:8] != b"moov"]
    return b"".join((first, moov, *rest))


def wandering(picture: RGB, n_frames: int, *, step_px: float = 3.0) -> list[RGB]:
    """The picture in frames of 640 x 480, moving to the right."""
    frames = []
    for i in range(n_frames):
        matrix = np.array([[1, 0, -30 + step_px * i], [0, 1, 8 * np.sin(i / 6)]], np.float32)
        frame = cv2.warpAffine(picture, matrix, (640, 480), borderMode=cv2.BORDER_REPLICATE)
        frames.append(np.asarray(frame, np.uint8))
    return frames


def write_camera_film(file: Path) -> None:
    """Two portraits that sway, 640 x 480, for Chromium's fake camera: one smiles, one is small.

    Chromium plays a .mjpeg round and round; the file is JPEGs one after another.
    """
    smiling = cv2.imread(str(ROOT / "samples" / "astronaut.jpg"))[:400, 60:380]
    other = cv2.imread(str(ROOT / "samples" / "grace_hopper.jpg"))
    canvas = np.full((480, 640, 3), 110, np.uint8)
    canvas[:, :384] = cv2.resize(smiling, None, fx=1.2, fy=1.2)
    canvas[90:390, 384:] = cv2.resize(other, (256, 300))
    with file.open("wb") as out:
        for i in range(90):
            turn = 2 * np.pi * i / 90
            sway = np.array([[1, 0, 12 * np.sin(turn)], [0, 1, 6 * np.cos(turn)]], np.float32)
            frame = cv2.warpAffine(canvas, sway, (640, 480), borderMode=cv2.BORDER_REPLICATE)
            _, jpeg = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 90])
            out.write(jpeg.tobytes())
