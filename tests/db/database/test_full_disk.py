"""Erasing, withdrawing and purging on a disk that is full, for real: a small file system."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.consent.purge import purge
from db.database.engine import erase_traces
from db.errors import SealBrokenError, StoreFullError
from db.seal.files import RESERVE_BYTES, RESERVE_FILE
from db.store import Store, open_store
from services.person.consent import erase, withdraw
from services.person.export import look_up
from services.store import chain_status
from tests.db.fixtures import FakeClock
from tests.db.tools import agree, analyse
from tests.db.traces import found, plant


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    size = f"size={5 * RESERVE_BYTES}"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a file system cannot be mounted here: that needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def full(small_disk: Path, clock: FakeClock) -> Iterator[Store]:
    """A store whose disk is full to the last byte once `fill_up` was called."""
    store = open_store(small_disk / "data", clock=clock)
    assert (store.data_dir / RESERVE_FILE).stat().st_size == RESERVE_BYTES
    yield store
    store.close()


def fill_up(folder: Path) -> None:
    with (folder / "others").open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


def test_nothing_more_is_kept_but_everything_goes(
    full: Store, small_disk: Path, clock: FakeClock
) -> None:
    one, other, third = plant(full), plant(full, "another"), plant(full, "third")
    visitor = agree(full)
    fill_up(small_disk)
    with pytest.raises(StoreFullError, match="nothing was kept"):
        analyse(full, visitor.consent, image=b"x" * 1_000_000)
    assert withdraw(full, other.given.consent).job is not None
    job = erase(full, one.code)
    assert job.done
    for person in (one, other):
        assert found(full.data_dir, person.needles) == set()
    clock.forward(days=31)
    assert purge(full).done
    assert found(full.data_dir, third.needles) == set()
    assert chain_status(full).ok
    # Space comes back, and with it the reserve.
    (small_disk / "others").unlink()
    purge(full)
    assert (full.data_dir / RESERVE_FILE).exists()


def test_without_even_the_reserve_keys_are_destroyed_and_words_fit(
    full: Store, small_disk: Path
) -> None:
    person = plant(full)
    (full.data_dir / RESERVE_FILE).unlink()
    assert erase_traces(full.engine)  # or there would be room in the write-ahead log
    fill_up(small_disk)
    with pytest.raises(StoreFullError, match="keys of your data are destroyed") as refused:
        erase(full, person.code)
    assert "nothing was kept" not in str(refused.value)
    with pytest.raises(SealBrokenError):
        look_up(full, person.code)
    (small_disk / "others").unlink()
    assert erase(full, person.code).done
    assert found(full.data_dir, person.needles) == set()
