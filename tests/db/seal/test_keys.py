import base64
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.consent.codes import ALPHABET, answer_hash, code_hash, new_code, normal_form
from db.database.engine import SQLITE_FILE_NAME
from db.errors import (
    InvalidMasterKeyError,
    KeyFileExposedError,
    MasterKeyLostError,
    SealBrokenError,
)
from db.seal.files import remove, sync_folder, write_whole
from db.seal.master_key import KEY_FILE, Keys, make_key_file, parse_master_key, read_key_file
from db.seal.vault import Sealed, Vault
from db.store import Store, open_store
from services.person.export import export, look_up
from tests.db.fixtures import FakeClock
from tests.db.tools import agree, analyse, dump, verified
from tests.db.traces import plant

KEY = base64.b64encode(b"k" * 32).decode()
SUBJECT, OTHER, ITEM = "a" * 32, "b" * 32, "c" * 32


@pytest.fixture
def vault(quick_dir: Path) -> Vault:
    made = Vault(quick_dir, b"w" * 32)
    for subject in (SUBJECT, OTHER):
        for what in Sealed:
            made.make_key(subject, what)
    return made


def test_the_key_file_is_made_once_for_its_owner_only(sqlite_store: Store) -> None:
    path = sqlite_store.data_dir / KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(sqlite_store.data_dir.stat().st_mode) == 0o700
    assert [child.name for child in path.parent.iterdir()] == [path.name]


def test_everything_in_the_data_folder_belongs_to_the_owner_only(sqlite_store: Store) -> None:
    plant(sqlite_store)
    for path in (
        *sqlite_store.vault.keys_dir.rglob("*"),
        *sqlite_store.vault.images_dir.rglob("*"),
    ):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_every_file_is_for_its_owner_only_in_whatever_folder(
    quick_dir: Path, clock: FakeClock
) -> None:
    """A folder that others may look into, and a database that an older version made readable."""
    folder = quick_dir / "shared"
    folder.mkdir(mode=0o755)
    before = os.umask(0)
    try:
        for _ in range(2):
            store = open_store(folder, clock=clock)
            plant(store)
            for path in folder.rglob("*"):
                assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
            store.close()
            (folder / SQLITE_FILE_NAME).chmod(0o644)
    finally:
        os.umask(before)


def test_a_damaged_key_file_does_not_advise_to_make_a_new_key(sqlite_store: Store) -> None:
    (sqlite_store.data_dir / KEY_FILE).write_text("damaged")
    with pytest.raises(InvalidMasterKeyError, match=r"put back secrets/master\.key") as refused:
        open_store(sqlite_store.data_dir)
    assert "openssl" not in str(refused.value)
    assert "MIEN_MASTER_KEY" not in str(refused.value)


def test_starts_at_once_agree_on_one_key(quick_dir: Path) -> None:
    keys: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: keys.append(make_key_file(quick_dir))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert set(keys) == {read_key_file(quick_dir)}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_a_key_file_that_others_may_read_is_refused(quick_dir: Path, mode: int) -> None:
    make_key_file(quick_dir)
    (quick_dir / KEY_FILE).chmod(mode)
    with pytest.raises(KeyFileExposedError, match="chmod 600"):
        read_key_file(quick_dir)


def test_a_lost_key_file_is_not_replaced(data_dir: Path, clock: FakeClock) -> None:
    store = open_store(data_dir, clock=clock)
    person = plant(store)
    rows = dump(store)
    store.close()
    key_file = data_dir / KEY_FILE
    words = key_file.read_bytes()
    key_file.unlink()
    for key in (None, KEY):
        with pytest.raises(MasterKeyLostError, match="put the key file back"):
            open_store(data_dir, master_key=key, clock=clock)
        assert not key_file.exists()
    key_file.write_bytes(words)
    key_file.chmod(0o600)
    again = open_store(data_dir, clock=clock)
    assert dump(again) == rows
    assert len(look_up(again, person.code).images) == 1
    again.close()


def test_a_key_from_the_environment_makes_no_file(data_dir: Path, clock: FakeClock) -> None:
    store = open_store(data_dir, master_key=KEY, clock=clock)
    person = plant(store)
    store.close()
    assert not (data_dir / KEY_FILE).exists()
    again = open_store(data_dir, master_key=f" {KEY}\n", clock=clock)
    assert len(look_up(again, person.code).images) == 1
    again.close()
    with pytest.raises(MasterKeyLostError):
        open_store(data_dir, clock=clock)


def test_a_start_that_lost_the_race_for_the_key_is_told(
    quick_dir: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two first starts with different keys in their environments."""
    from db import store

    folder = quick_dir / "data"
    real = store._keys

    def slow(*args: Any) -> Keys | None:
        keys = real(*args)
        with monkeypatch.context() as patch:
            patch.setattr(store, "_keys", real)
            open_store(folder, clock=clock).close()  # another start is faster
        return keys

    monkeypatch.setattr(store, "_keys", slow)
    with pytest.raises(MasterKeyLostError, match="Another start"):
        open_store(folder, master_key=KEY, clock=clock)
    monkeypatch.undo()
    kept = open_store(folder, clock=clock)
    assert verified(kept).ok
    kept.close()


@pytest.mark.parametrize(
    "words", ["x", "short", base64.b64encode(b"k" * 31).decode(), "é" * 44, "!" * 44, KEY + "AAAA"]
)
def test_a_master_key_must_be_32_bytes_in_base64(words: str) -> None:
    with pytest.raises(InvalidMasterKeyError, match="openssl rand -base64 32"):
        parse_master_key(words)


@settings(deadline=None)  # a loaded machine is no fault
@given(st.binary(min_size=32, max_size=32))
def test_each_way_to_write_a_key_reads_the_same(key: bytes) -> None:
    plain = base64.b64encode(key).decode()
    urlsafe = base64.urlsafe_b64encode(key).decode().rstrip("=")
    assert parse_master_key(plain) == parse_master_key(urlsafe) == key


def test_keys_for_different_uses_differ_and_stay_out_of_reprs() -> None:
    keys = Keys.derive(b"m" * 32)
    secrets = [keys.wrap, keys.audit, keys.receipt, keys.answer, keys.token]
    assert len({*secrets, bytes.fromhex(keys.check)}) == 6
    assert not any(secret.hex() in repr(keys) or str(secret) in repr(keys) for secret in secrets)
    assert Keys.derive(b"m" * 32) == keys
    assert Keys.derive(b"n" * 32) != keys


@settings(deadline=None)  # a loaded machine is no fault
@given(plain=st.binary(max_size=200))
def test_what_is_sealed_opens_again(
    tmp_path_factory: pytest.TempPathFactory, plain: bytes
) -> None:
    made = Vault(tmp_path_factory.getbasetemp() / "vault", b"w" * 32)
    made.make_key(SUBJECT, Sealed.RESULT)
    sealed = made.seal(SUBJECT, Sealed.RESULT, ITEM, plain)
    assert made.open(SUBJECT, Sealed.RESULT, ITEM, sealed) == plain
    assert made.seal(SUBJECT, Sealed.RESULT, ITEM, plain) != sealed  # a fresh nonce each time
    assert len(plain) < 8 or plain not in sealed


def test_a_seal_opens_only_where_it_belongs(vault: Vault) -> None:
    sealed = vault.seal(SUBJECT, Sealed.RESULT, ITEM, b"plain")
    for subject, what, item in (
        (OTHER, Sealed.RESULT, ITEM),
        (SUBJECT, Sealed.IMAGE, ITEM),
        (SUBJECT, Sealed.RESULT, OTHER),
    ):
        with pytest.raises(SealBrokenError, match="changed or belongs to another key"):
            vault.open(subject, what, item, sealed)


def test_any_changed_byte_breaks_a_seal(vault: Vault) -> None:
    sealed = vault.seal(SUBJECT, Sealed.RESULT, ITEM, b"plain")
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(SealBrokenError):
            vault.open(SUBJECT, Sealed.RESULT, ITEM, bytes(changed))
    for cut in (0, 5, len(sealed) - 1):
        with pytest.raises(SealBrokenError):
            vault.open(SUBJECT, Sealed.RESULT, ITEM, sealed[:cut])


def test_key_files_cannot_be_swapped(vault: Vault) -> None:
    sealed = vault.seal(SUBJECT, Sealed.RESULT, ITEM, b"plain")
    own, other = (vault.keys_dir / f"{name}.result" for name in (SUBJECT, OTHER))
    other.replace(own)
    with pytest.raises(SealBrokenError):
        vault.open(SUBJECT, Sealed.RESULT, ITEM, sealed)


def test_a_destroyed_key_is_gone_and_destroying_again_is_fine(vault: Vault) -> None:
    sealed = vault.seal(SUBJECT, Sealed.RESULT, ITEM, b"plain")
    vault.destroy_keys(SUBJECT, [Sealed.RESULT])
    vault.destroy_keys(SUBJECT, [Sealed.RESULT])
    with pytest.raises(SealBrokenError, match="destroyed"):
        vault.open(SUBJECT, Sealed.RESULT, ITEM, sealed)
    vault.seal(SUBJECT, Sealed.IMAGE, ITEM, b"the other keys are untouched")


@pytest.mark.parametrize(
    "name", ["", "../../etc/passwd", "a" * 31, "A" * 32, "a" * 31 + "/", "a" * 31 + "\0", "a" * 33]
)
def test_no_name_from_outside_becomes_a_path(vault: Vault, name: str) -> None:
    with pytest.raises(ValueError, match="32 hex digits"):
        vault.image_path(name)
    with pytest.raises(ValueError, match="32 hex digits"):
        vault.make_key(name, Sealed.IMAGE)


def test_a_damaged_or_missing_image_is_said_and_the_rest_is_exported(store: Store) -> None:
    given_ = agree(store)
    first, second, third = (analyse(store, given_.consent).image_id or "" for _ in range(3))
    path = store.vault.image_path(first)
    sealed = path.read_bytes()
    path.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    store.vault.image_path(second).unlink()
    subject_id = given_.consent.subject_id or ""
    with pytest.raises(SealBrokenError, match="changed"):
        store.vault.read_image(subject_id, first)
    with pytest.raises(SealBrokenError, match="gone"):
        store.vault.read_image(subject_id, second)
    made = export(store, given_.code or "")
    assert (made.images, made.missing, made.analyses) == (1, 2, 3)
    assert store.vault.read_image(subject_id, third)
    assert verified(store).ok


def test_files_are_written_whole_or_not_at_all(
    quick_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = quick_dir / "folder" / "file"
    write_whole(path, b"old")

    def fail(*_args: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="Input/output"):
            write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [child.name for child in path.parent.iterdir()] == ["file"]
    assert remove(path)
    assert not remove(path)
    assert not remove(path, overwrite=True)
    sync_folder(quick_dir / "missing")


def test_codes_are_random_and_legible() -> None:
    codes = {new_code() for _ in range(200)}
    assert len(codes) == 200
    for code in codes:
        assert [len(group) for group in code.split("-")] == [5, 5, 5, 5]
        assert set(normal_form(code)) <= set(ALPHABET)


@settings(deadline=None)  # a loaded machine is no fault
@given(st.text(alphabet=ALPHABET, min_size=20, max_size=20))
def test_a_code_is_understood_however_it_is_typed(code: str) -> None:
    keys = Keys.derive(b"m" * 32)
    typed = code.lower().replace("0", "o").replace("1", "l")
    typed = f"  {typed[:7]} {typed[7:]}-\n"
    assert code_hash(keys, typed) == code_hash(keys, code)
    assert answer_hash(keys, typed) == answer_hash(keys, code) != code_hash(keys, code)
