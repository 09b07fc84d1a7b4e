import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from distributed import Client, LocalCluster

from core.config import load_settings
from core.errors import ModelError
from services.analysis.photos import analyse_file, result_dict
from services.batch.files import iter_files
from services.batch.folder import BatchFolder, BatchJob, open_batch
from services.batch.run import batch_job, local_client, run_batch
from services.batch.worker import PartFiles, _loaded
from tests.helpers.bad_images import refused_files
from tests.paths import ROOT
from tests.services.batch import stubs as batch_stubs
from tests.services.batch.stubs import JOB, count_at_once, die_at_poison, names

Begin = Callable[..., BatchFolder]


@pytest.fixture(scope="module")
def threads() -> Iterator[Client]:
    """A cluster inside this process: two threads."""
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address="127.0.0.1:0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def processes() -> Iterator[Client]:
    """A cluster as the command starts it: two processes."""
    with local_client(2) as client:
        yield client


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Forty photos and two files that are refused."""
    folder = tmp_path / "album"
    folder.mkdir()
    for number in range(40):
        sample = ("astronaut.jpg", "grace_hopper.jpg")[number % 2]
        (folder / f"{number:02d}.jpg").write_bytes((ROOT / "samples" / sample).read_bytes())
    for name in ("empty.jpg", "text.jpg"):
        bad = refused_files().get(name) or next(iter(refused_files().values()))
        (folder / f"x_{name}").write_bytes(bad.data)
    return folder


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Opens a results folder for a list of files; closed at the end."""
    with ExitStack() as opened:
        yield lambda files, job=JOB: opened.enter_context(
            open_batch(tmp_path / "out", "source", job, files)
        )


def real_job() -> BatchJob:
    settings = load_settings()
    return batch_job(settings, model_id=settings.default_model, detector=settings.default_detector)


def test_few_parts_are_in_flight_and_each_is_written_once(
    begin: Begin, tmp_path: Path, threads: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_stubs, "most_at_once", 0)
    folder = begin(names(700))
    handed_out, written, most = 0, 0, 0
    real = folder.part_files

    def counting(part: int) -> tuple[int, list[str]]:
        nonlocal handed_out, most
        handed_out += 1
        most = max(most, handed_out - written)
        return real(part)

    def on_part(n_files: int) -> None:
        nonlocal written
        written += 1

    monkeypatch.setattr(folder, "part_files", counting)
    run_batch(folder, threads, analyse=count_at_once, on_part=on_part)
    assert handed_out == written == folder.n_parts == 44
    assert most == 2 * 2
    assert batch_stubs.most_at_once <= 2
    assert folder.finish().n_done == 700


def test_memory_does_not_grow_with_the_number_of_files(tmp_path: Path) -> None:
    peak_mb = {}
    for n_files in (10_000, 100_000):
        command = [sys.executable, "-m", "tests.services.batch.stubs"]
        done = subprocess.run(
            [*command, str(tmp_path / str(n_files)), str(n_files)],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        n_done, peak = done.stdout.split()
        assert int(n_done) == n_files
        peak_mb[n_files] = float(peak)
    # 90,000 paths alone are 9 MB as Python's text, and their rows ten times as much.
    assert peak_mb[100_000] - peak_mb[10_000] < 40, peak_mb


def test_a_worker_with_another_model_says_so(
    begin: Begin, tmp_path: Path, threads: Client
) -> None:
    other = replace(real_job(), model_sha256="f" * 64)
    folder = begin(names(3), other)
    with pytest.raises(ModelError, match="another 'mien-fast'"):
        run_batch(folder, threads)
    assert folder.missing_parts() == [0]
    _loaded.cache_clear()


def test_arguments_that_dask_logs_hold_no_name() -> None:
    assert "secret" not in repr(PartFiles(["/home/secret/me.jpg"]))


def test_two_workers_say_the_same_as_one_photo_at_a_time(
    begin: Begin, tmp_path: Path, album: Path, processes: Client
) -> None:
    folder = begin(iter_files(str(album)), real_job())
    run_batch(folder, processes)
    summary = folder.finish()
    assert (summary.n_done, sum(summary.refused.values())) == (42, 2)
    frame = pd.read_parquet(tmp_path / "out")
    assert frame["file"].tolist() == sorted(str(file) for file in album.iterdir())
    analyzer, settings = _loaded(folder.job)
    for name in ("00.jpg", "01.jpg"):
        (row,) = frame[frame["file"] == str(album / name)].to_dict("records")
        single = result_dict(
            analyse_file(album / name, analyzer, settings), model_id="", detector=""
        )["faces"][0]
        assert row["top"] == single["top"]
        assert {e: row[e] for e in single["shares"]} == pytest.approx(single["shares"], abs=1e-4)
        assert (row["quality"], row["turned_degrees"]) == (
            pytest.approx(single["quality"]["score"], abs=1e-3), 0
        )  # fmt: skip
        box = [row[side] for side in ("x_min", "y_min", "x_max", "y_max")]
        assert box == pytest.approx(single["box"], abs=0.11)


def test_a_worker_that_is_killed_costs_time_only(
    begin: Begin, tmp_path: Path, processes: Client
) -> None:
    files = [str(tmp_path / f"{n:02d}.jpg") for n in range(40)]
    files[20] = str(tmp_path / "once.jpg")
    folder = begin(files)
    run_batch(folder, processes, analyse=die_at_poison)
    assert (tmp_path / "once.seen").exists()
    assert folder.finish().refused == {"unsupported_format": 40}


@pytest.mark.slow  # four times a new worker process
@pytest.mark.filterwarnings("default")  # Dask's nanny does not start one where a warning is raised
def test_the_file_that_ends_every_worker_is_the_only_one_lost(
    begin: Begin, tmp_path: Path, processes: Client
) -> None:
    files = [f"/photos/{n:02d}.jpg" for n in range(20)]
    files[5] = "/photos/poison.jpg"
    folder = begin(files)
    run_batch(folder, processes, analyse=die_at_poison)
    assert folder.finish().refused == {"unsupported_format": 19, "worker_lost": 1}
    frame = pd.read_parquet(tmp_path / "out")
    assert frame["file"].tolist() == files
    assert frame[frame["error_kind"] == "worker_lost"]["file"].tolist() == ["/photos/poison.jpg"]
