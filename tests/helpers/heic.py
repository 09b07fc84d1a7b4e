"""HEIC files as phones write them: one HEVC frame in the boxes of ISO 23008-12, made here."""

import io
import struct
from functools import cache

import av
import numpy as np

from tests.helpers.pictures import RGB


def heic(image_rgb: RGB, *, turned: int = 0) -> bytes:
    """A HEIC of `image_rgb` (even sides); `turned` counts the quarter turns that it asks for."""
    height, width = image_rgb.shape[:2]
    config, frame = _hevc(image_rgb.tobytes(), height, width)
    return _boxes(config, frame, width, height, turned)


@cache
def _hevc(pixels: bytes, height: int, width: int) -> tuple[bytes, bytes]:
    """The decoder's configuration and one intra frame, as Matroska holds them."""
    # The encoder takes no side below 32 pixels or so: the edge is repeated, and hidden again.
    image = np.frombuffer(pixels, np.uint8).reshape(height, width, 3)
    padded = np.pad(image, ((0, max(64 - height, 0)), (0, max(64 - width, 0)), (0, 0)), "edge")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as container:
        stream = container.add_stream("libx265", rate=1, options={"x265-params": "log-level=none"})
        stream.width, stream.height, stream.pix_fmt = padded.shape[1], padded.shape[0], "yuv420p"
        frame = av.VideoFrame.from_ndarray(padded, "rgb24")
        frame.pts = 0
        for packet in (*stream.encode(frame), *stream.encode()):
            packet.pts = packet.dts = 0
            container.mux(packet)
    with av.open(io.BytesIO(buffer.getvalue())) as container:
        stream = container.streams.video[0]
        data = bytes(next(container.demux(stream)))
        return bytes(stream.codec_context.extradata or b""), data


def _boxes(config: bytes, frame: bytes, width: int, height: int, turned: int) -> bytes:
    coded_w, coded_h = max(width, 64), max(height, 64)
    # Cleaned of the repeated edge: width, height and the centre's offset, each a fraction.
    clean = struct.pack(">8i", width, 1, height, 1, width - coded_w, 2, height - coded_h, 2)
    properties = [
        _box(b"hvcC", config),
        _full(b"ispe", struct.pack(">II", coded_w, coded_h)),
        *([_box(b"clap", clean)] if (width, height) != (coded_w, coded_h) else []),
        *([_box(b"irot", bytes([turned]))] if turned else []),
    ]
    numbers = bytes(0x80 | number for number in range(1, len(properties) + 1))
    used = struct.pack(">IHB", 1, 1, len(numbers)) + numbers
    ftyp = _box(b"ftyp", b"heic\0\0\0\0mif1heic")

    def meta(offset: int) -> bytes:
        where = struct.pack(">BBHHHHII", 0x44, 0, 1, 1, 0, 1, offset, len(frame))
        return _full(
            b"meta",
            _full(b"hdlr", b"\0\0\0\0pict" + bytes(13)),
            _full(b"pitm", struct.pack(">H", 1)),
            _full(b"iloc", where),
            _full(
                b"iinf",
                struct.pack(">H", 1),
                _full(b"infe", struct.pack(">HH", 1, 0) + b"hvc1\0", version=2),
            ),
            _box(b"iprp", _box(b"ipco", *properties), _full(b"ipma", used)),
        )

    offset = len(ftyp) + len(meta(0)) + 8
    return ftyp + meta(offset) + _box(b"mdat", frame)


def overlaid(side: int, n_pictures: int) -> bytes:
    """A HEIC that says it is `n_pictures` on top of each other, all of them the same frame."""
    config, frame = _hevc(bytes([128]) * (3 * side * side), side, side)
    made = n_pictures + 1  # the number of what they are put together to
    pictures = range(1, made)
    # Version, offsets of 4 bytes, a white ground, its size, and where each picture lies.
    how = struct.pack(">BB4H2I", 0, 1, *[65535] * 4, side, side) + bytes(8 * n_pictures)
    entries = [struct.pack(">HH", number, 0) + b"hvc1\0" for number in pictures]
    entries.append(struct.pack(">HH", made, 0) + b"iovl\0")
    parts = b"".join(struct.pack(">H", number) for number in pictures)
    properties = (_box(b"hvcC", config), _full(b"ispe", struct.pack(">II", side, side)))
    used = [struct.pack(">HB", number, 2) + b"\x81\x82" for number in pictures]
    used.append(struct.pack(">HB", made, 1) + b"\x82")
    ftyp = _box(b"ftyp", b"heic\0\0\0\0mif1heic")

    def meta(at: int) -> bytes:
        places = [(number, 0, 1, at, len(frame)) for number in pictures]
        places.append((made, 0, 1, at + len(frame), len(how)))
        where = b"".join(struct.pack(">HHHII", *place) for place in places)
        return _full(
            b"meta",
            _full(b"hdlr", b"\0\0\0\0pict" + bytes(13)),
            _full(b"pitm", struct.pack(">H", made)),
            _full(b"iloc", struct.pack(">BBH", 0x44, 0, made), where),
            _full(
                b"iinf",
                struct.pack(">H", made),
                *(_full(b"infe", entry, version=2) for entry in entries),
            ),
            _full(b"iref", _box(b"dimg", struct.pack(">HH", made, n_pictures), parts)),
            _box(
                b"iprp",
                _box(b"ipco", *properties),
                _full(b"ipma", struct.pack(">I", made), *used),
            ),
        )

    return ftyp + meta(len(ftyp) + len(meta(0)) + 8) + _box(b"mdat", frame, how)


def _box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I", 8 + len(body)) + kind + body


def _full(kind: bytes, *content: bytes, version: int = 0) -> bytes:
    return _box(kind, bytes([version, 0, 0, 0]), *content)
