"""Sealed data of subjects: data keys in files of their own, images in files named by uuid.

Each subject has one random data key for each kind of data it let us keep, wrapped by the master
key. Key files live in `keys/`, apart from the database and the images, so that a backup
without `keys/` can never be opened again once a key file is destroyed.
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from db.errors import SealBrokenError
from db.seal.files import DRAFT_SUFFIX, remove, sync_folder, write_whole

NONCE_BYTES = 12
KEY_BITS = 256
ID_PATTERN = re.compile(r"[0-9a-f]{32}")


class Sealed(StrEnum):
    """What a data key opens."""

    RECORD = "record"
    RESULT = "result"
    IMAGE = "image"


def _seal(key: bytes, plain: bytes, bound_to: str) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to.encode())


def _open(key: bytes, sealed: bytes, bound_to: str) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.encode())
    except (InvalidTag, ValueError) as exc:
        raise SealBrokenError(
            "This item cannot be opened because it was changed or belongs to another key; restore "
            "the data folder from a backup, or erase the item."
        ) from exc


@dataclass(frozen=True)
class Vault:
    """Seals and opens data of subjects under `data_dir`, which holds `keys/` and `images/`.

    The 32 bytes of `wrap_key` wrap the data keys.

    Examples:
        >>> import tempfile
        >>> person, item = "1" * 32, "2" * 32
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     vault = Vault(Path(folder), wrap_key=os.urandom(32))
        ...     vault.make_key(person, Sealed.RESULT)
        ...     sealed = vault.seal(person, Sealed.RESULT, item, b"happy")
        ...     vault.open(person, Sealed.RESULT, item, sealed)
        ...     vault.destroy_keys(person)
        ...     try:
        ...         vault.open(person, Sealed.RESULT, item, sealed)
        ...     except SealBrokenError:
        ...         print("nobody can open it any more")
        b'happy'
        nobody can open it any more
    """

    data_dir: Path
    wrap_key: bytes = field(repr=False)

    @property
    def keys_dir(self) -> Path:
        """Folder of the wrapped data keys; leave it out of backups."""
        return self.data_dir / "keys"

    @property
    def images_dir(self) -> Path:
        """Folder of the sealed images."""
        return self.data_dir / "images"

    def _key_path(self, subject_id: str, what: Sealed) -> Path:
        return self.keys_dir / f"{_checked_id(subject_id)}.{what.value}"

    def image_path(self, image_id: str) -> Path:
        """Path of a sealed image; `image_id` is 32 hex digits, never a name from outside."""
        return self.images_dir / _checked_id(image_id)[:2] / image_id

    def make_key(self, subject_id: str, what: Sealed) -> None:
        """Make and keep a new data key."""
        path = self._key_path(subject_id, what)
        data_key = AESGCM.generate_key(KEY_BITS)
        write_whole(path, _seal(self.wrap_key, data_key, path.name))

    def _data_key(self, subject_id: str, what: Sealed) -> bytes:
        path = self._key_path(subject_id, what)
        try:
            wrapped = path.read_bytes()
        except FileNotFoundError as exc:
            raise SealBrokenError(
                "The key of this item was destroyed, so nobody can open it any more; nothing "
                "needs to be done."
            ) from exc
        return _open(self.wrap_key, wrapped, path.name)

    def seal(self, subject_id: str, what: Sealed, item_id: str, plain: bytes) -> bytes:
        """Seal `plain`, bound to its subject, kind and item, so that it opens nowhere else.

        Raises:
            SealBrokenError: the subject has no such key (any more).
        """
        key = self._data_key(subject_id, what)
        return _seal(key, plain, f"{subject_id}:{what.value}:{item_id}")

    def open(self, subject_id: str, what: Sealed, item_id: str, sealed: bytes) -> bytes:
        """Open what `seal` made.

        Raises:
            SealBrokenError: the key is destroyed, or the bytes are not the sealed ones.
        """
        key = self._data_key(subject_id, what)
        return _open(key, sealed, f"{subject_id}:{what.value}:{item_id}")

    def write_image(self, subject_id: str, image_id: str, plain: bytes) -> int:
        """Seal an encoded image into its file; return the file's size in bytes."""
        sealed = self.seal(subject_id, Sealed.IMAGE, image_id, plain)
        write_whole(self.image_path(image_id), sealed)
        return len(sealed)

    def read_image(self, subject_id: str, image_id: str) -> bytes:
        """Return the encoded image.

        Raises:
            SealBrokenError: file or key are gone, or the file was changed.
        """
        try:
            sealed = self.image_path(image_id).read_bytes()
        except FileNotFoundError as exc:
            raise SealBrokenError("The file of this image is gone; erase the item.") from exc
        return self.open(subject_id, Sealed.IMAGE, image_id, sealed)

    def remove_images(self, image_ids: Iterable[str]) -> None:
        """Remove image files, missing ones included; done when this returns."""
        folders = set()
        for image_id in image_ids:
            path = self.image_path(image_id)
            remove(path)
            folders.add(path.parent)
        for folder in folders:
            sync_folder(folder)

    def destroy_keys(self, subject_id: str, kinds: Iterable[Sealed] = tuple(Sealed)) -> None:
        """Destroy data keys, missing ones included; what they sealed is unreadable everywhere."""
        for what in kinds:
            remove(self._key_path(subject_id, what), overwrite=True)
        sync_folder(self.keys_dir)

    def stray_files(self, subject_ids: set[str], image_ids: set[str]) -> Iterator[Path]:
        """Yield files that a crash left: drafts, and keys and images that no row knows."""
        for path in sorted(self.keys_dir.rglob("*")):
            known = path.suffix != DRAFT_SUFFIX and path.name.split(".")[0] in subject_ids
            if path.is_file() and not known:
                yield path
        for path in sorted(self.images_dir.rglob("*")):
            if path.is_file() and path.name not in image_ids:
                yield path


def _checked_id(item_id: str) -> str:
    if not ID_PATTERN.fullmatch(item_id):
        raise ValueError("ids of stored items must be 32 hex digits")
    return item_id
