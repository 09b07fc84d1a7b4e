"""How calm and how quick live labels are: `.venv/bin/python benchmarks/live_quality.py`.

Flicker: label changes a minute of a face that holds still, in front of a camera that does not:
noise on every pixel, a lamp that hums, a hand that trembles. Delay: frames until the label is
right after one face is exchanged for another in the same place. Each with the shipped defaults
and with smoothing off; everything is seeded, and faces are looked for on every frame, as on an
idle machine, so that other programs change nothing. Prints the tables of docs/webcam.md; `--write`
puts them there, and `--speed` what `mien bench --live` says as well.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import psutil
import typer
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.config import ROOT, load_settings
from core.detection import FaceDetector, create_detector
from core.expression.answer import short
from core.expression.classify import EmotionClassifier
from core.stream import RAW, SmoothingRules, StreamAnalyzer, StreamRules
from core.stream.cadence import CadenceRules

RGB = NDArray[np.uint8]
FPS = 30
SIZE_WH = (640, 480)
SAMPLES = {"smiling": "astronaut.jpg", "between two": "grace_hopper.jpg"}
NOISE_LEVELS = (4.0, 8.0, 16.0)
N_NOISE_FIELDS = 8
DOC = ROOT / "docs" / "webcam.md"
# However busy the machine is, faces are looked for on every frame.
EVERY_FRAME = CadenceRules(busy_share=1000.0)


@dataclass(frozen=True)
class Engine:
    """What all runs share."""

    detector: FaceDetector
    classifier: EmotionClassifier


def main(
    seconds: Annotated[float, typer.Option(help="Of each still face.")] = 60.0,
    changes: Annotated[int, typer.Option(help="Exchanges of one face by another.")] = 20,
    speed: Annotated[bool, typer.Option("--speed", help="`mien bench --live`, too.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Into docs/webcam.md as well.")] = False,
) -> None:
    """Run everything and print Markdown."""
    tables = {"live_quality": quality(seconds, changes)}
    if speed:
        tables["bench_live"] = bench_live()
    for name, table in tables.items():
        print(table)
        if write:
            put(name, table)


def put(name: str, table: str) -> None:
    """Replace what stands between the two marks called `name` in docs/webcam.md."""
    words = DOC.read_text(encoding="utf-8")
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    before, rest = words.split(begin)
    DOC.write_text(f"{before}{begin}{table}\n{end}{rest.split(end)[1]}", encoding="utf-8")


def bench_live() -> str:
    """The line of `mien bench --live --json` as a table."""
    command = [str(Path(sys.executable).with_name("mien")), "bench", "--live", "--json"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    measured = json.loads(done.stdout)
    names = ("fps", "latency_ms_p50", "latency_ms_p95", "dropped", "frames", "capacity_fps")
    row = " | ".join(str(measured[name]) for name in names)
    load = psutil.getloadavg()[0] / (psutil.cpu_count() or 1)
    return (
        f"| {' | '.join(names)} |\n|{'---|' * len(names)}\n| {row} |\n\n"
        f"On {measured['machine']}, load {load:.1f} a core "
        f"(1 is: all busy), with {measured['model']} and {measured['detector']}."
    )


def quality(seconds: float, n_changes: int) -> str:
    """Both tables of flicker and delay, as Markdown."""
    settings = load_settings()
    engine = Engine(
        create_detector(settings.default_detector, settings.models_dir),
        EmotionClassifier.load(settings.default_model, settings.models_dir),
    )
    lines = [
        f"Model {engine.classifier.card.id}, detector {engine.detector.name}, {FPS} frames a "
        f"second, {SIZE_WH[0]} × {SIZE_WH[1]} pixels, {seconds:.0f} s a cell.\n",
        "| Still face | noise (σ of 255) | label changes a minute, raw | smoothed | "
        "changes of what is shown, raw | smoothed |",
        "|---|---|---|---|---|---|",
    ]
    for name, file in SAMPLES.items():
        for sigma in NOISE_LEVELS:
            (raw, raw_shown), (smooth, smooth_shown) = (
                _flicker(engine, file, sigma, seconds, rules) for rules in (RAW, SmoothingRules())
            )
            lines.append(
                f"| {name} | {sigma:.0f} | {raw:.1f} | {smooth:.1f} | "
                f"{raw_shown:.1f} | {smooth_shown:.1f} |"
            )
    lines += ["", "| True change | median delay | longest |", "|---|---|---|"]
    for title, rules in (("raw", RAW), ("smoothed", SmoothingRules())):
        delays_ms = _delays_ms(engine, n_changes, rules)
        lines.append(f"| {title} | {np.median(delays_ms):.0f} ms | {max(delays_ms):.0f} ms |")
    return "\n".join(lines)


def portrait(file: str) -> RGB:
    """A sample, scaled so that its face is as high as one in front of a laptop."""
    image = cv2.cvtColor(cv2.imread(str(ROOT / "samples" / file)), cv2.COLOR_BGR2RGB)
    return np.asarray(image, np.uint8)


def place(picture: RGB, box_xyxy: tuple[float, ...], shift_xy: tuple[float, float]) -> RGB:
    """The picture in a frame of the camera's size, its face 170 px high in the middle."""
    scale = 170 / (box_xyxy[3] - box_xyxy[1])
    centre_x, centre_y = (box_xyxy[0] + box_xyxy[2]) / 2, (box_xyxy[1] + box_xyxy[3]) / 2
    x = SIZE_WH[0] / 2 - scale * centre_x + shift_xy[0]
    y = SIZE_WH[1] / 2 - scale * centre_y + shift_xy[1]
    matrix = np.array([[scale, 0, x], [0, scale, y]], np.float32)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    frame = cv2.warpAffine(picture, matrix, SIZE_WH, flags=method, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(frame, np.uint8)


def camera(engine: Engine, file: str, sigma: float, rng: np.random.Generator) -> Iterator[RGB]:
    """Endless frames of one still face through a poor camera."""
    picture = portrait(file)
    box_xyxy = engine.detector.detect(picture)[0].box.xyxy
    # A few fields of noise, each laid on at another place every time: drawing 900,000 numbers
    # a frame would take longer than all that is measured.
    fields = rng.standard_normal((N_NOISE_FIELDS, *SIZE_WH[::-1], 3), np.float32) * sigma
    tremble = np.zeros(2)
    number = 0
    while True:
        tremble = 0.9 * tremble + rng.normal(0, 0.4, 2)
        frame = place(picture, box_xyxy, (float(tremble[0]), float(tremble[1])))
        light = 1 + 0.03 * np.sin(2 * np.pi * number / 7) + rng.normal(0, 0.01)
        down, right = rng.integers(0, SIZE_WH[1]), rng.integers(0, SIZE_WH[0])
        noise = np.roll(fields[rng.integers(0, N_NOISE_FIELDS)], (down, right), axis=(0, 1))
        noisy = frame * np.float32(light) + noise
        number += 1
        yield np.clip(noisy, 0, 255).astype(np.uint8)


def _analyzer(engine: Engine, rules: SmoothingRules) -> StreamAnalyzer:
    stream_rules = StreamRules(smoothing=rules, cadence=EVERY_FRAME)
    return StreamAnalyzer(engine.detector, engine.classifier, rules=stream_rules)


def _flicker(
    engine: Engine, file: str, sigma: float, seconds: float, rules: SmoothingRules
) -> tuple[float, float]:
    """Changes a minute of the label, and of what is shown (one label or several)."""
    analyzer = _analyzer(engine, rules)
    frames = camera(engine, file, sigma, np.random.default_rng(11))
    labels, shown = [], []
    for i in range(round(seconds * FPS)):
        faces = analyzer.process(next(frames), i / FPS).faces
        if faces and faces[0].scores is not None:
            labels.append(faces[0].answer.top)
            shown.append(short(faces[0].answer))
    minutes = seconds / 60
    return (
        sum(a != b for a, b in pairwise(labels)) / minutes,
        sum(a != b for a, b in pairwise(shown)) / minutes,
    )


def _delays_ms(engine: Engine, n_changes: int, rules: SmoothingRules) -> list[float]:
    """From the first frame of the other face to the first frame with its label."""
    rng = np.random.default_rng(5)
    films = [camera(engine, file, 4.0, rng) for file in SAMPLES.values()]
    settled = [_settled_label(engine, film) for film in films]
    analyzer = _analyzer(engine, rules)
    delays_ms, t_s = [], 0.0
    for change in range(n_changes + 1):
        which = change % 2
        began_s, arrived_s = t_s, None
        for _ in range(2 * FPS):
            faces = analyzer.process(next(films[which]), t_s).faces
            label = faces[0].answer.top if faces else None
            if arrived_s is None and label == settled[which]:
                arrived_s = t_s
            t_s += 1 / FPS
        if change:
            delays_ms.append(1000 * ((t_s if arrived_s is None else arrived_s) - began_s))
    return delays_ms


def _settled_label(engine: Engine, film: Iterator[RGB]) -> str:
    """What the default rules come to after two seconds of a face."""
    analyzer = _analyzer(engine, SmoothingRules())
    label = ""
    for i in range(2 * FPS):
        faces = analyzer.process(next(film), i / FPS).faces
        if faces and faces[0].scores is not None:
            label = str(faces[0].answer.top)
    return label


if __name__ == "__main__":
    typer.run(main)
