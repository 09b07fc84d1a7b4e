"""`mien bench`: how long each step takes on this machine, as a table."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.bench_material import cpu_name, photo_jpeg
from cli.output import check_out, write_text

if TYPE_CHECKING:
    from core.analyzer import Analyzer
    from core.types import ImageRGB

STEPS = ("decode", "detect", "landmarks", "input", "classify", "draw", "whole")
# A work that never changes, between the photos: what takes longer than before while this does not
# became slower itself.
REFERENCE = "reference"

# Run in a process of its own: what a user waits for between `python` and the first result.
_COLD_START = """
import time
started = time.perf_counter()
from core.analyzer import create_analyzer
from core.config import load_settings
settings = load_settings()
analyzer = create_analyzer(
    settings.models_dir, model_id=settings.default_model, detector=settings.default_detector
)
import numpy, psutil
ready_s = time.perf_counter() - started
analyzer.analyze(numpy.zeros((720, 1280, 3), numpy.uint8))
print(ready_s, psutil.Process().memory_info().rss / 1e6)
"""


def bench(
    runs: Annotated[int, typer.Option(help="Photos a row of the table.")] = 100,
    live: Annotated[bool, typer.Option("--live", help="Live video instead of photos.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One object.")] = False,
    out: Annotated[Path | None, typer.Option(help="Also write the object there.")] = None,
) -> None:
    """Time every step on a 1280x720 JPEG with one face and with ten; cold start; memory."""
    if live:
        from cli.measure.bench_live import bench_live

        bench_live(as_json=as_json)
        return
    check_out(out)
    found = _bench_photos(runs)
    text = json.dumps(found, indent=1) + "\n"
    if out is not None:
        write_text(text, out)
    if as_json:
        sys.stdout.write(text)
    else:
        _print(found)


def _bench_photos(runs: int) -> dict[str, Any]:
    from core.analyzer import create_analyzer
    from core.config import load_settings

    settings = load_settings()
    analyzer = create_analyzer(
        settings.models_dir,
        model_id=settings.default_model,
        detector=settings.default_detector,
    )
    photos = {}
    for n_faces in (1, 10):
        times_ms, n_found = _time_steps(photo_jpeg(n_faces), analyzer, runs)
        photos[str(n_faces)] = {
            "faces_found": n_found,
            "steps": {step: _summary(values) for step, values in times_ms.items()},
            "processor_ms": _processor_ms(photo_jpeg(n_faces), analyzer, runs),
        }
    ready_s, rss_mb = _cold_start()
    return {
        "machine": cpu_name(),
        "measured_at": datetime.now(UTC).strftime("%Y-%m-%d"),
        "load_average": round(os.getloadavg()[0], 1),
        "model": analyzer.classifier.card.id,
        "detector": analyzer.detector.name,
        "photos": photos,
        "ready_s": round(ready_s, 2),
        "memory_mb": round(rss_mb),
    }


def _print(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(f"{found['machine']}; {found['model']}, {found['detector']}")
    for photo in found["photos"].values():
        n_found, steps = photo["faces_found"], photo["steps"]
        table = Table("step", "p50 ms", "p95 ms", title=f"1280x720 JPEG, {n_found} faces found")
        for step in STEPS:
            table.add_row(step, f"{steps[step]['p50_ms']:.2f}", f"{steps[step]['p95_ms']:.2f}")
        table.add_row(
            "classify a face", f"{steps['classify']['p50_ms'] / max(n_found, 1):.2f}", ""
        )
        console.print(table)
    console.print(
        f"import to ready {found['ready_s']:.2f} s, process memory {found['memory_mb']} MB"
    )


def _time_steps(
    jpeg: bytes, analyzer: "Analyzer", runs: int
) -> tuple[dict[str, list[float]], int]:
    """Milliseconds of each step over `runs` photos, and the faces found in one."""
    from core.drawing.photo import draw_analysis
    from core.pictures.images import decode_image

    times_ms: dict[str, list[float]] = {step: [] for step in STEPS}
    n_found = 0
    for run in range(runs + 5):
        started = time.perf_counter()
        image_rgb: ImageRGB = decode_image(jpeg).image_rgb
        decoded = time.perf_counter()
        analysis = analyzer.analyze(image_rgb)
        analysed = time.perf_counter()
        draw_analysis(image_rgb, analysis)
        drawn = time.perf_counter()
        n_found = len(analysis.faces)
        if run < 5:  # warm-up: first calls plan memory
            continue
        measured = {
            "decode": 1000 * (decoded - started),
            **analysis.timings_ms,
            "draw": 1000 * (drawn - analysed),
            "whole": 1000 * (drawn - started),
        }
        for step, values in times_ms.items():
            values.append(measured[step])
    return times_ms, n_found


def _summary(values_ms: list[float]) -> dict[str, float]:
    import numpy as np

    p50, p95 = np.percentile(values_ms, (50, 95))
    return {"p50_ms": round(float(p50), 3), "p95_ms": round(float(p95), 3)}


def _processor_ms(jpeg: bytes, analyzer: "Analyzer", runs: int) -> dict[str, float]:
    """Least processor time of each work, all threads together: others add little to it.

    The works take turns, so that a processor that slows down does so for all of them.
    """
    import numpy as np

    from core.drawing.photo import draw_analysis
    from core.pictures.images import decode_image

    image_rgb = decode_image(jpeg).image_rgb
    analysis = analyzer.analyze(image_rgb)
    # Each product is so small that it runs on one thread.
    matrices = np.ones((500, 64, 64), np.float32)
    product = np.empty_like(matrices)
    works: dict[str, Callable[[], object]] = {
        REFERENCE: lambda: np.matmul(matrices, matrices[0], out=product),
        "decode": lambda: decode_image(jpeg),
        "detect": lambda: analyzer.detector.detect(image_rgb),
        "analyse": lambda: analyzer.analyze(image_rgb),
        "draw": lambda: draw_analysis(image_rgb, analysis),
    }
    least_s = dict.fromkeys(works, float("inf"))
    for _ in range(runs):
        for name, work in works.items():
            started = time.process_time()
            work()
            least_s[name] = min(least_s[name], time.process_time() - started)
    return {name: round(1000 * seconds, 3) for name, seconds in least_s.items()}


def _cold_start() -> tuple[float, float]:
    """Seconds from import to a ready analyzer, and megabytes after its first photo."""
    from core.config import ROOT

    python = [sys.executable, "-c", _COLD_START]
    ready_s, rss_mb = subprocess.check_output(python, cwd=ROOT, text=True).split()
    return float(ready_s), float(rss_mb)
