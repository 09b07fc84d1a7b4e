"""`mien bench`: how long each step takes on this machine, as a table."""

import subprocess
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.bench_material import cpu_name, photo_jpeg

if TYPE_CHECKING:
    from core.analyzer import Analyzer
    from core.types import ImageRGB

STEPS = ("decode", "detect", "landmarks", "input", "classify", "draw", "whole")

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
    as_json: Annotated[bool, typer.Option("--json", help="With --live: one object.")] = False,
) -> None:
    """Time every step on a 1280x720 JPEG with one face and with ten; cold start; memory."""
    if live:
        from cli.measure.bench_live import bench_live

        bench_live(as_json=as_json)
        return
    _bench_photos(runs)


def _bench_photos(runs: int) -> None:
    from rich.console import Console
    from rich.table import Table

    from core.analyzer import create_analyzer
    from core.config import load_settings

    settings = load_settings()
    analyzer = create_analyzer(
        settings.models_dir,
        model_id=settings.default_model,
        detector=settings.default_detector,
    )
    console = Console()
    console.print(f"{cpu_name()}; {analyzer.classifier.card.id}, {analyzer.detector.name}")
    for n_faces in (1, 10):
        times_ms, n_found = _time_steps(photo_jpeg(n_faces), analyzer, runs)
        table = Table("step", "p50 ms", "p95 ms", title=f"1280x720 JPEG, {n_found} faces found")
        for step in STEPS:
            p50, p95 = _percentiles(times_ms[step])
            table.add_row(step, f"{p50:.2f}", f"{p95:.2f}")
        p50, _ = _percentiles(times_ms["classify"])
        table.add_row("classify a face", f"{p50 / max(n_found, 1):.2f}", "")
        console.print(table)
    ready_s, rss_mb = _cold_start()
    console.print(f"import to ready {ready_s:.2f} s, process memory {rss_mb:.0f} MB")


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
        for step in STEPS:
            times_ms[step].append(measured[step])
    return times_ms, n_found


def _percentiles(values: list[float]) -> Any:
    import numpy as np

    return np.percentile(values, (50, 95))


def _cold_start() -> tuple[float, float]:
    """Seconds from import to a ready analyzer, and megabytes after its first photo."""
    from core.config import ROOT

    done = subprocess.run(
        [sys.executable, "-c", _COLD_START],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    ready_s, rss_mb = done.stdout.split()
    return float(ready_s), float(rss_mb)
