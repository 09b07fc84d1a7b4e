"""The end of the audit chain, kept in a file outside the database.

A chain alone cannot show that its last rows were cut off; this file can. It is made once, with
the first rows of a new store, and from then on only ever moves forward, from an end that the
database still holds, after the change is committed; so it stays as evidence when rows vanish.
Only `reanchor`, an act that the log shows, sets it anew.
"""

import fcntl
import hmac
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from core.errors import DAMAGE
from db.audit.chain import GENESIS_HASH, ChainHead
from db.seal.files import write_whole

HEAD_FILE = Path("audit") / "head.json"
# Before the first row: the store is being made.
BEGINNING = ChainHead(0, GENESIS_HASH, 0, 1)


@dataclass(frozen=True)
class HeadFile:
    """The head file under `data_dir`, authenticated with `audit_key`."""

    data_dir: Path
    audit_key: bytes = field(repr=False)

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self.data_dir / HEAD_FILE

    def read(self) -> ChainHead | None:
        """Return the head, None where the file is missing or not ours."""
        try:
            content = json.loads(self.path.read_text("utf-8"))
            # A head without a generation was written before rows were signed.
            head = ChainHead(
                int(content["seq"]),
                str(content["hash"]),
                int(content["count"]),
                int(content.get("generation", 0)),
            )
            genuine = hmac.compare_digest(str(content["mac"]), self._mac(head))
        except DAMAGE:
            return None
        return head if genuine else None

    def write(self, head: ChainHead) -> None:
        """Replace the head, whatever it was; for a new store and for a known restore.

        Raises:
            OSError: the file cannot be written.
        """
        content = {**vars(head), "mac": self._mac(head)}
        write_whole(self.path, (json.dumps(content, indent=1) + "\n").encode())

    def advance(self, head: ChainHead) -> None:
        """Move the head forward to `head`; another process may have moved it further already.

        Where `head` has no generation, that of the file stays.

        Raises:
            OSError: the file cannot be written.
        """
        with head_lock(self.data_dir):
            current = self.read()
            if current is not None and current.seq < head.seq:
                generation = current.generation if head.generation is None else head.generation
                self.write(ChainHead(head.seq, head.hash, head.count, generation))

    def _mac(self, head: ChainHead) -> str:
        words = f"head:{head.seq}:{head.hash}:{head.count}"
        if head.generation:
            words += f":{head.generation}"
        return hmac.new(self.audit_key, words.encode(), sha256).hexdigest()


@contextmanager
def head_lock(data_dir: Path) -> Iterator[None]:
    """Keep others from the head file of this folder, in whatever process."""
    path = data_dir / HEAD_FILE.with_suffix(".lock")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_RDWR, 0o600)) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
