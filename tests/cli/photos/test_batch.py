import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
from PIL import Image

from tests.helpers.pictures import encode
from tests.paths import ROOT


def mien_batch(*args: object) -> list[str]:
    return [sys.executable, "-c", "from cli.main import main; main()", "batch", *map(str, args)]


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Photos enough to be killed in their midst, and one that is none."""
    folder = tmp_path / "album"
    folder.mkdir()
    with Image.open(ROOT / "samples" / "astronaut.jpg") as picture:
        data = encode(picture.reduce(2), "JPEG")
    for number in range(130):
        (folder / f"{number:03d}.jpg").write_bytes(data)
    (folder / "077.jpg").write_bytes(b"no picture")
    return folder


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT], ids=lambda by: by.name)
def test_a_stopped_run_goes_on_and_does_nothing_twice(
    tmp_path: Path, album: Path, by: signal.Signals
) -> None:
    out = tmp_path / "results.parquet"
    command = mien_batch(album, "--out", out, "--workers", 2)
    # A session of its own, so that Ctrl-C goes to its workers as well, as in a terminal.
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as run:
        deadline = time.monotonic() + 180
        while not list(out.glob("part-*")) and time.monotonic() < deadline:
            assert run.poll() is None, "it ended before it could be killed"
            time.sleep(0.01)
        if by is signal.SIGINT:
            os.killpg(run.pid, by)
            said = run.communicate(timeout=90)[1]
            assert run.returncode == 130
            assert said.endswith("mien: Stopped. The same command goes on where it was.\n"), said
            assert "Traceback" not in said
        else:
            os.kill(run.pid, by)
            run.wait(timeout=30)
    before = {file.name: file.stat().st_mtime_ns for file in out.glob("part-*")}
    assert 1 <= len(before) < 9

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "130 files, 129 faces" in done.stdout
    assert "1 × unsupported format" in done.stdout
    after = {file.name: file.stat().st_mtime_ns for file in out.glob("part-*")}
    assert len(after) == 9
    assert {name: after[name] for name in before} == before
    frame = pd.read_parquet(out)
    assert frame["file"].tolist() == sorted(str(file) for file in album.iterdir())
    assert frame["number"].tolist() == list(range(1, 131))
    assert frame["top"].value_counts().to_dict() == {"happy": 129}
    # Names of photos are in the results, which are the user's, and nowhere else.
    assert "077.jpg" not in done.stderr


def workers_of(out: Path) -> list[psutil.Process]:
    """Processes of Python that were begun by a batch into this folder, or by its workers."""
    mine = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if str(out) in process.environ().get("MIEN_TEST_OUT", ""):
                mine.append(process)
    return mine


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_kills_at_any_moment_change_nothing(tmp_path: Path, album: Path, seed: int) -> None:
    """What was begun, killed and gone on with again and again is what one run makes."""
    undisturbed, out = tmp_path / "whole.parquet", tmp_path / "killed.parquet"
    done = subprocess.run(mien_batch(album, "--out", undisturbed), cwd=ROOT, check=False)
    assert done.returncode == 1
    rng, n_kills = random.Random(seed), 0
    command = mien_batch(album, "--out", out, "--workers", 2)
    environment = {**os.environ, "MIEN_TEST_OUT": str(out)}
    longest_s = 4.0
    for _ in range(30):
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
        ) as run:
            try:
                status = run.wait(timeout=rng.uniform(0, longest_s))
            except subprocess.TimeoutExpired:
                victim = run.pid
                if rng.random() < 0.3 and (children := psutil.Process(run.pid).children(True)):
                    victim = rng.choice(children).pid  # one that works, which is then replaced
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
                n_kills += 1
                if victim != run.pid:
                    run.kill()
                status = run.wait(timeout=30)
        assert status in (-signal.SIGKILL, 1)
        if status == 1:
            break
        longest_s *= 1.4
    assert status == 1
    assert n_kills >= 3
    parts = sorted(file.name for file in out.glob("part-*"))
    assert parts == sorted(file.name for file in undisturbed.glob("part-*"))
    for name in (*parts, "_refused.csv", "_files.arrow"):
        assert (out / name).read_bytes() == (undisturbed / name).read_bytes(), name
    assert not list(out.glob("_unfinished*"))
    deadline = time.monotonic() + 60
    while (left := workers_of(out)) and time.monotonic() < deadline:
        time.sleep(1)
    assert left == [], "workers of killed runs live on"


def test_wrong_usage_is_one_line(tmp_path: Path) -> None:
    for args, words in (
        ((tmp_path / "gone", "--out", tmp_path / "out"), "does not exist"),
        ((tmp_path, "--out", "o", "--workers", 2, "--scheduler", "tcp://x:1"), "not both"),
    ):
        done = subprocess.run(
            mien_batch(*args), cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert words in done.stderr
        assert "Traceback" not in done.stderr
