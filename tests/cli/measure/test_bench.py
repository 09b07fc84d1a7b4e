"""`mien bench --live`: the whole way of live video, through WebRTC and without a browser."""

import json
import subprocess
import sys

from tests.paths import ROOT

# A clip that ends long before the measurement does, on a busy machine, too.
CLIP_S, SECONDS = 1, 4
PROGRAM = f"""
from cli import bench_material
from cli.measure.bench_live import bench_live
bench_material.CLIP_S = {CLIP_S}
bench_live(as_json=True, seconds={SECONDS})
"""


def test_live_video_runs_on_beyond_its_clip_and_every_step_of_the_start_is_told() -> None:
    # In a process of its own, as the command runs: WebRTC leaves sockets and loops behind.
    words = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    assert measured["frames"] > CLIP_S * measured["source_fps"]
    assert list(measured["start_ms"]) == ["offer", "answer", "ICE", "first frame", "first label"]
    assert measured["capacity_fps"] > 0
