"""What a user takes home: pictures, JSON and CSV in one ZIP, built in memory."""

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePath

from core.drawing.photo import draw_analysis
from core.pictures.images import encode_png
from core.pictures.quarter_turns import upright
from core.types import Analysis, ImageRGB
from services.analysis.photos import PhotoResult, results_csv, results_json


def annotated_png(image_rgb: ImageRGB, analysis: Analysis) -> bytes:
    """The photo with its boxes as PNG, upright and in its full size."""
    return encode_png(draw_analysis(*upright(image_rgb, analysis)))


def annotated_name(number: int, name: str) -> str:
    """A name for the annotated copy that is safe on every file system, unique by `number`.

    Examples:
        >>> annotated_name(3, "../My holiday?.jpg")
        '003_My_holiday.png'
    """
    stem = re.sub(r"[^\w-]+", "_", PurePath(name).stem).strip("_")[:60]
    return f"{number:03d}_{stem or 'photo'}.png"


def results_zip(
    results: Sequence[PhotoResult],
    pixels: Iterable[Callable[[], ImageRGB]],
    *,
    model_id: str,
    detector: str,
) -> bytes:
    """`results.json`, `results.csv` and an annotated PNG of each photo that was analysed.

    `pixels` has for each result, in the same order, what decodes its photo; it is called for one
    after another, so that only one is in memory.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "results.json", results_json(results, model_id=model_id, detector=detector)
        )
        archive.writestr("results.csv", results_csv(results).encode("utf-8-sig"))
        for number, (result, decode) in enumerate(zip(results, pixels, strict=True), start=1):
            if result.analysis is not None:
                png = annotated_png(decode(), result.analysis)
                # PNGs are compressed already.
                archive.writestr(annotated_name(number, result.name), png, zipfile.ZIP_STORED)
    return buffer.getvalue()
