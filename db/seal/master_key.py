"""The one secret of the store, and what is derived from it.

It lies outside the database: in a file that only its owner may read, made at first start, or in
`MIEN_MASTER_KEY`. Each use has its own derived key, so that none says anything about another.
"""

import base64
import contextlib
import hashlib
import hmac
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from db.errors import InvalidMasterKeyError, KeyFileExposedError
from db.seal.files import write_whole

KEY_BYTES = 32
KEY_FILE = Path("secrets") / "master.key"


@dataclass(frozen=True)
class Keys:
    """Keys of 32 bytes, each derived from the master key for one use.

    Attributes:
        wrap: wraps the data keys of subjects.
        audit: of the audit chain.
        receipt: of the hash under which a receipt code is kept.
        answer: of the hash under which the answer to an erasure is kept.
        rows: of the signatures of rows that decide.
        token: of the hash under which a sign-in is kept, and of pseudonyms of outside accounts.
        check: shown in the database, to tell whether a key belongs to it.
    """

    wrap: bytes = field(repr=False)
    audit: bytes = field(repr=False)
    receipt: bytes = field(repr=False)
    answer: bytes = field(repr=False)
    rows: bytes = field(repr=False)
    token: bytes = field(repr=False)
    check: str

    @classmethod
    def derive(cls, master_key: bytes) -> "Keys":
        """Derive all from `master_key` (32 bytes) by HKDF-SHA256."""

        def use(name: str) -> bytes:
            info = f"mien {name} v1".encode()
            return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(
                master_key
            )

        uses = ("wrap", "audit", "receipt", "answer", "rows", "token")
        return cls(**{name: use(name) for name in uses}, check=use("check").hex())


def keyed_hash(key: bytes, words: str) -> str:
    """HMAC-SHA256 of `words` in hex, 64 characters."""
    return hmac.new(key, words.encode(), hashlib.sha256).hexdigest()


_INVALID: Final = (
    "MIEN_MASTER_KEY must be 32 random bytes in base64; set it as it was, or, for a store that is "
    "yet to be made, make one with `openssl rand -base64 32`."
)


def parse_master_key(words: str, refusal: str = _INVALID) -> bytes:
    """Read 32 bytes in base64 (plain or URL-safe).

    Raises:
        InvalidMasterKeyError: anything else, in the words of `refusal`.
    """
    plain = words.strip().replace("-", "+").replace("_", "/")
    try:
        key = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise InvalidMasterKeyError(refusal)
    return key


def read_key_file(data_dir: Path) -> bytes | None:
    """Return the key in the key file of `data_dir`, None where there is no file.

    Raises:
        KeyFileExposedError: others than the owner may read it.
        InvalidMasterKeyError: it does not hold a key.
    """
    path = data_dir / KEY_FILE
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        words = path.read_text("ascii", errors="replace")
    except FileNotFoundError:
        return None
    if mode & 0o077:
        raise KeyFileExposedError(
            f"The master key file may be read by others (rights {mode:03o}); take these rights "
            "away with `chmod 600` on it."
        )
    return parse_master_key(
        words,
        "The master key file is damaged; put back secrets/master.key from its backup. A new key "
        "would open nothing that is kept, so none is made.",
    )


def make_key_file(data_dir: Path, secret: bytes | None = None) -> bytes:
    """Make the key file, readable by its owner only, and return the key in it, fresh or given.

    Two first starts at once end with one key: the file appears whole or not at all.
    """
    path = data_dir / KEY_FILE
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
    write_whole(draft, base64.b64encode(secret or secrets.token_bytes(KEY_BYTES)) + b"\n")
    try:
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
    return parse_master_key(path.read_text("ascii"))
