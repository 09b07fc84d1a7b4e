import errno
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as parquet
import pytest

from services.batch.files import BatchError
from services.batch.folder import BatchFolder, open_batch
from services.batch.worker import PartFiles
from tests.services.batch.stubs import JOB, names, refuse_all

Begin = Callable[..., BatchFolder]


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Opens a folder for a list of so many files; closed at the end."""
    with ExitStack() as opened:
        yield lambda path, n_files=100: opened.enter_context(
            open_batch(path, "source", JOB, names(n_files))
        )


def write(folder: BatchFolder, part: int) -> None:
    first, files = folder.part_files(part)
    folder.write_part(part, refuse_all(PartFiles(files), first, JOB))


@pytest.mark.parametrize(
    ("n_files", "n_parts"), [(1, 1), (16, 1), (17, 2), (5_000, 157), (100_000, 196)]
)
def test_parts_are_the_list_cut_in_order(
    begin: Begin, tmp_path: Path, n_files: int, n_parts: int
) -> None:
    folder = begin(tmp_path / "out", n_files)
    assert (folder.n_files, folder.n_parts) == (n_files, n_parts)
    firsts, joined = [], []
    for part in range(n_parts):
        first, files = folder.part_files(part)
        firsts.append(first == len(joined))
        joined += files
    assert all(firsts)
    assert joined == list(names(n_files))


def test_the_folder_reads_as_one_table_in_order(begin: Begin, tmp_path: Path) -> None:
    folder = begin(tmp_path / "results.parquet")
    for part in reversed(range(folder.n_parts)):
        write(folder, part)
    summary = folder.finish()
    assert (summary.n_done, summary.refused) == (100, {"unsupported_format": 100})
    frame = pd.read_parquet(tmp_path / "results.parquet")
    assert frame["number"].tolist() == list(range(1, 101))
    assert frame["file"].tolist() == list(names(100))
    listed = pd.read_csv(tmp_path / "results.parquet" / "_refused.csv")
    assert listed["number"].tolist() == list(range(1, 101))
    assert set(listed["error"]) == {"No picture."}


def test_going_on_makes_only_what_is_missing_or_damaged(begin: Begin, tmp_path: Path) -> None:
    folder = begin(tmp_path / "out")
    for part in (0, 2, 3):
        write(folder, part)
    folder.close()
    damaged = tmp_path / "out" / "part-000002.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-40])
    (tmp_path / "out" / "_unfinished-from-a-killed-run").write_bytes(b"half")
    again = begin(tmp_path / "out")
    assert again.missing_parts() == [1, 2, 4, 5, 6]
    assert not list((tmp_path / "out").glob("_unfinished*"))


def test_a_part_of_another_list_counts_as_missing(begin: Begin, tmp_path: Path) -> None:
    mine, other = begin(tmp_path / "mine", 20), begin(tmp_path / "other", 21)
    write(other, 0)
    (tmp_path / "other" / "part-000000.parquet").rename(tmp_path / "mine" / "part-000000.parquet")
    assert mine.missing_parts() == [0, 1]


def test_a_killed_listing_is_begun_anew(begin: Begin, tmp_path: Path) -> None:
    def breaks() -> object:
        yield from names(2_000)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_batch(tmp_path / "out", "source", JOB, breaks())
    assert begin(tmp_path / "out", 30).n_files == 30


def test_two_runs_do_not_write_at_a_time(begin: Begin, tmp_path: Path) -> None:
    folder = begin(tmp_path / "out")
    with pytest.raises(BatchError, match="Another run is writing"):
        begin(tmp_path / "out")
    folder.close()
    begin(tmp_path / "out").close()


def test_going_on_under_other_terms_is_refused(begin: Begin, tmp_path: Path) -> None:
    begin(tmp_path / "out").close()
    with pytest.raises(BatchError, match="another source, model"):
        open_batch(tmp_path / "out", "elsewhere", JOB, names(3))
    with pytest.raises(BatchError, match="another source, model"):
        open_batch(tmp_path / "out", "source", replace(JOB, min_face_px=50), names(3))


def test_other_peoples_folders_are_left_alone(begin: Begin, tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear")
    with pytest.raises(BatchError, match="something else"):
        begin(tmp_path)
    with pytest.raises(BatchError, match="a file of that name"):
        begin(tmp_path / "letters.txt")


def test_the_same_results_make_the_same_bytes(begin: Begin, tmp_path: Path) -> None:
    parts = []
    for name in ("one", "two"):
        folder = begin(tmp_path / name, 16)
        write(folder, 0)
        parts.append((tmp_path / name / "part-000000.parquet").read_bytes())
    assert parts[0] == parts[1]
    assert parquet.read_metadata(tmp_path / "one" / "part-000000.parquet").num_rows == 16


def test_a_disk_that_fills_up_is_one_sentence_and_the_batch_goes_on_later(
    begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = begin(tmp_path / "out")
    write(folder, 0)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "Error writing bytes to file.")

    with monkeypatch.context() as patched:
        patched.setattr(parquet, "write_table", full)
        with pytest.raises(BatchError, match="No space left on device"):
            write(folder, 1)
    assert 0 not in folder.missing_parts()
    assert not list(folder.path.glob("_unfinished-*"))
    write(folder, 1)
    assert folder.finish().n_done == 32
