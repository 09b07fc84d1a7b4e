"""Needles of one person, and a search for them in every byte under a folder."""

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from db.seal.vault import Sealed
from db.store import Store
from services.person.consent import Given
from tests.db.tools import agree, analyse, dump

NEEDLE_BYTES = 32


@dataclass(frozen=True)
class Person:
    """Somebody of whom something was kept, with all that must be findable before and not after.

    Attributes:
        given: the consent and the receipt code.
        needles: name -> bytes.
        never: names of needles that must not be found even before: they are kept sealed only.
    """

    given: Given
    needles: dict[str, bytes]
    never: frozenset[str] = frozenset({"name", "result", "image", "code"})

    @property
    def code(self) -> str:
        assert self.given.code is not None
        return self.given.code


def plant(store: Store, seed: str = "ada") -> Person:
    """Keep a result, an image and a name, each with a needle in it."""
    plain = {what: _needle(f"{seed} {what}") for what in ("name", "result", "image")}
    given = agree(store, signed_name=plain["name"].hex())
    kept = analyse(
        store,
        given.consent,
        result={"needle": plain["result"].hex()},
        image=b"\xff\xd8" + plain["image"] * 40,
    )
    subject_id = given.consent.subject_id
    assert subject_id is not None
    assert kept.image_id is not None
    assert given.code is not None
    stored = {
        "subject id": bytes.fromhex(subject_id),
        "record id": bytes.fromhex(given.consent.record_id),
        "image id": bytes.fromhex(kept.image_id),
        "sealed image": store.vault.image_path(kept.image_id).read_bytes()[200:232],
        **{f"key {what}": _key_bytes(store, subject_id, what) for what in Sealed},
        **_row_values(store, subject_id),
    }
    return Person(given, {**plain, "code": given.code.encode(), **stored})


def _needle(words: str) -> bytes:
    return hashlib.sha256(words.encode()).digest()


def _key_bytes(store: Store, subject_id: str, what: Sealed) -> bytes:
    return (store.vault.keys_dir / f"{subject_id}.{what.value}").read_bytes()[12:44]


def _row_values(store: Store, subject_id: str) -> dict[str, bytes]:
    with store.engine.connect() as connection:
        code_hash, name, result = connection.execute(
            text(
                "SELECT code_hash, sealed_name, sealed_result FROM subject "
                "JOIN consent_record ON consent_record.subject_id = subject.id "
                "JOIN analysis ON analysis.subject_id = subject.id WHERE subject.id = :id"
            ),
            {"id": subject_id},
        ).one()
    return {
        "code hash": bytes.fromhex(code_hash),
        "sealed name": bytes(name)[12:44],
        "sealed result": bytes(result)[12:44],
    }


def forms(needle: bytes) -> Iterator[bytes]:
    """The needle as it could have been written: raw, hex, base64, and these as UTF-16."""
    texts = [needle.hex(), needle.hex().upper(), base64.b64encode(needle).decode().rstrip("=")]
    yield needle
    for words in texts:
        yield words.encode()
        yield words.encode("utf-16-le")
    if len(needle) == 16:  # an id; with hyphens, as some write it
        digits = needle.hex()
        yield "-".join(
            (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
        ).encode()


def found(folder: Path, needles: dict[str, bytes]) -> set[str]:
    """Names of the needles that occur in any file, or any file's name, under `folder`."""
    # Longer runs of zeros than any needle has: the reserve and emptied pages, slow to search.
    contents = [
        re.sub(rb"\0{64,}", bytes(64), path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    ]
    contents.append("\n".join(str(path) for path in folder.rglob("*")).encode())
    return {
        name
        for name, needle in needles.items()
        if any(form in content for form in forms(needle) for content in contents)
    }


def found_in_rows(store: Store, needles: dict[str, bytes]) -> set[str]:
    """Names of the needles that occur in any value of any table."""
    rows = dump(store)
    return {
        name
        for name, needle in needles.items()
        if any(form in rows.encode() for form in forms(needle))
    }
