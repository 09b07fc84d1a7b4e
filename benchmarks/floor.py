"""How far each step of a photo is from what the processor could do at best.

`.venv/bin/python benchmarks/floor.py --json floor.json`. One thread. The floor of decoding is
writing its pixels once, at the speed at which this core copies memory; the floor of a network is
its multiply-adds at the speed of a large float32 matrix product on this core, times four for a
network of bytes, whose dot products take four of them in the place of one float. All times are
processor time and the least of many short runs: other programs only ever add to it.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

# Before numpy is imported: its matrix product takes all cores otherwise, and on processors that
# OpenBLAS does not know it does not use their widest registers.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
if "avx512f" in Path("/proc/cpuinfo").read_text():
    os.environ["OPENBLAS_CORETYPE"] = "SkylakeX"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np
import typer
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from cli.bench_material import cpu_name, photo_jpeg
from core.analyzer import Analyzer, create_analyzer
from core.config import load_settings
from core.pictures.images import decode_image

_BYTES_A_FLOAT = 4
_SEARCHED_HW = (448, 800)  # what the detector makes of 1280x720
_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def best_ms(call: Callable[[], object], runs: int) -> float:
    """Least processor time of a call in this thread, in milliseconds."""
    call()
    times = []
    for _ in range(runs):
        started = time.thread_time()
        call()
        times.append(time.thread_time() - started)
    return min(times) * 1000


def peak_macs_per_ms(runs: int) -> float:
    """Multiply-adds a millisecond of a float32 matrix product."""
    side = 384
    a = np.random.default_rng(0).standard_normal((side, side), np.float32)
    out = np.empty_like(a)
    return side**3 / best_ms(lambda: np.matmul(a, a, out=out), runs)


def copied_bytes_per_ms(runs: int) -> float:
    """Bytes a millisecond that a core copies, of arrays as large as a photo."""
    source = np.ones(720 * 1280 * 3, np.uint8)
    target = np.empty_like(source)
    return source.size / best_ms(lambda: np.copyto(target, source), runs)


def _plain(model: Path, size_hw: tuple[int, int] | None = None) -> Interpreter:
    """Without XNNPACK, which would hide the layers behind one operation of its own."""
    interpreter = Interpreter(
        model_path=str(model),
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    if size_hw is not None:
        index = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(index, (1, *size_hw, 3))
    interpreter.allocate_tensors()
    return interpreter


def multiply_adds(model: Path, size_hw: tuple[int, int] | None = None) -> int:
    """Multiply-adds of a network for one picture, from the shapes of its layers."""
    interpreter, total = _plain(model, size_hw), 0
    shapes = {tensor["index"]: tensor["shape"] for tensor in interpreter.get_tensor_details()}
    for op in interpreter._get_ops_details():
        if op["op_name"] not in _CONVOLUTIONS:
            continue
        weights, out = shapes[op["inputs"][1]], shapes[op["outputs"][0]]
        if op["op_name"] == "CONV_2D":  # weights (out, height, width, in)
            total += int(np.prod(out)) * int(np.prod(weights[1:]))
        elif op["op_name"] == "DEPTHWISE_CONV_2D":  # weights (1, height, width, channels)
            total += int(np.prod(out)) * int(np.prod(weights[1:3]))
        else:
            total += int(np.prod(weights))
    return total


def steps(analyzer: Analyzer, models_dir: Path, runs: int) -> dict[str, dict[str, Any]]:
    """Time and floor of each step of a 1280x720 JPEG with one face."""
    jpeg = photo_jpeg(1)
    image_rgb = decode_image(jpeg).image_rgb
    faces = analyzer.detector.detect(image_rgb)
    card = analyzer.classifier.card
    batch = card.face_input.batch(image_rgb, list(faces), analyzer.detector.box_geometry)
    peak, copied = peak_macs_per_ms(runs), copied_bytes_per_ms(runs)
    detect_macs = multiply_adds(models_dir / "yunet" / "model_float.tflite", _SEARCHED_HW)
    classifier = models_dir / card.id / "model.tflite"
    classify_macs = multiply_adds(classifier) * (2 if card.flip_average else 1)
    is_int8 = any(t["dtype"] == np.int8 for t in _plain(classifier).get_tensor_details())
    classify_peak = peak * (_BYTES_A_FLOAT if is_int8 else 1)
    rows = {
        "decode": (lambda: decode_image(jpeg), image_rgb.nbytes / copied, image_rgb.nbytes),
        "detect": (lambda: analyzer.detector.detect(image_rgb), detect_macs / peak, detect_macs),
        "classify": (
            lambda: analyzer.classifier.scores(batch),
            classify_macs / classify_peak,
            classify_macs,
        ),
    }
    found = {}
    for name, (call, floor_ms, amount) in rows.items():
        took_ms = best_ms(call, runs)
        found[name] = {
            "cpu_ms": round(took_ms, 2),
            "floor_ms": round(floor_ms, 3),
            "times_floor": round(took_ms / floor_ms, 1),
            "amount": int(amount),
            "unit": "bytes of pixels" if name == "decode" else "multiply-adds",
        }
    return {
        "steps": found,
        "peak_gmacs_per_s": round(peak / 1e6, 1),
        "classifier_is_int8": is_int8,
        "copy_gb_per_s": round(copied / 1e6, 1),
    }


def main(runs: int = 100, out: Annotated[Path | None, typer.Option("--json")] = None) -> None:
    """Measure, print, write."""
    cv2.setNumThreads(1)
    settings = load_settings()
    analyzer = create_analyzer(
        settings.models_dir,
        model_id=settings.default_model,
        detector="yunet",
        with_landmarks=False,
    )
    content = {
        "machine": cpu_name(),
        "measured_at": datetime.now(UTC).strftime("%Y-%m-%d"),
        "load_average": round(os.getloadavg()[0], 1),
        "model": settings.default_model,
        **steps(analyzer, settings.models_dir, runs),
    }
    text = json.dumps(content, indent=1) + "\n"
    print(text, end="")
    if out:
        out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
