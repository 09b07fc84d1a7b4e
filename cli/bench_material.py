"""What `bench` measures on: a photo and a clip of the sample portrait, and the machine."""

from pathlib import Path
from typing import Any, Final

SIZE_WH: Final = (640, 480)
SOURCE_FPS: Final = 30
CLIP_S: Final = 4


def photo_jpeg(n_faces: int) -> bytes:
    """A 1280x720 JPEG with the astronaut's face `n_faces` (1..10) times, in two rows of five."""
    import io

    import numpy as np
    from PIL import Image

    from core.config import ROOT

    with Image.open(ROOT / "samples" / "astronaut.jpg") as sample:
        face = sample.convert("RGB").crop((110, 0, 350, 330))
    noise = np.random.default_rng(0).integers(90, 130, (72, 128, 3), np.uint8)
    canvas = Image.fromarray(noise).resize((1280, 720))
    for index in range(n_faces):
        canvas.paste(face, (8 + 255 * (index % 5), 15 + 355 * (index // 5)))
    buffer = io.BytesIO()
    canvas.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def write_clip(file: Path) -> None:
    """The public-domain portrait of samples/, wandering and nodding, as H.264 in MP4."""
    import av
    import cv2
    import numpy as np
    from PIL import Image

    from core.config import ROOT

    with Image.open(ROOT / "samples" / "astronaut.jpg") as sample:
        portrait = np.asarray(sample.convert("RGB"))
    container: Any = av.open(str(file), "w")
    stream: Any = container.add_stream("libx264", rate=SOURCE_FPS)
    stream.width, stream.height = SIZE_WH
    stream.pix_fmt, stream.bit_rate = "yuv420p", 3_000_000
    n_frames = CLIP_S * SOURCE_FPS
    for i in range(n_frames):
        # A whole number of swings, so that the clip can be played round and round.
        turn = 2 * np.pi * i / n_frames
        x, y = 60 + 50 * np.sin(turn), 10 * np.sin(3 * turn)
        matrix = np.array([[1, 0, x], [0, 1, y]], np.float32)
        frame = cv2.warpAffine(portrait, matrix, SIZE_WH, borderMode=cv2.BORDER_REPLICATE)
        picture = av.VideoFrame.from_ndarray(np.asarray(frame, np.uint8), format="rgb24")
        container.mux(stream.encode(picture))
    container.mux(stream.encode())
    container.close()


# By the kernel's flag, the fastest first: how long networks of 8-bit integers take hangs on it.
_INTEGER_SETS = {
    "amx_int8": "AMX",
    "avx512_vnni": "AVX-512 VNNI",
    "avx_vnni": "AVX VNNI",
    "avx2": "AVX2",
}


def cpu_name() -> str:
    """The processor's name, count of cores and what it has for integers, as the system tells."""
    import os
    import platform

    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    told = {
        name.strip(): value.strip() for name, _, value in (one.partition(":") for one in lines)
    }
    flags = told.get("flags", "").split()
    integers = [words for flag, words in _INTEGER_SETS.items() if flag in flags][:1]
    name = told.get("model name") or platform.processor()
    return ", ".join([name, f"{os.cpu_count()} cores", *integers])
