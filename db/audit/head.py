"""The end of the audit chain, kept in a file outside the database.

A chain alone cannot show that its last rows were cut off; this file can. It only ever moves
forward, and only from an end that the database still holds, so that it stays as evidence when
rows vanish.
"""

import fcntl
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from db.audit.chain import ChainHead
from db.seal.files import write_whole

HEAD_FILE = Path("audit") / "head.json"


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
            head = ChainHead(int(content["seq"]), str(content["hash"]), int(content["count"]))
            genuine = hmac.compare_digest(str(content["mac"]), self._mac(head))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return head if genuine else None

    def write(self, head: ChainHead) -> None:
        """Replace the head, whatever it was; for a new store and for a known restore.

        Raises:
            OSError: the file cannot be written.
        """
        content = {"seq": head.seq, "hash": head.hash, "count": head.count, "mac": self._mac(head)}
        write_whole(self.path, (json.dumps(content, indent=1) + "\n").encode())

    def advance(self, head: ChainHead) -> None:
        """Move the head forward to `head`; another process may have moved it further already.

        Raises:
            OSError: the file cannot be written.
        """
        with self._locked():
            current = self.read()
            if current is not None and current.seq < head.seq:
                self.write(head)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self.path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _mac(self, head: ChainHead) -> str:
        words = f"head:{head.seq}:{head.hash}:{head.count}"
        return hmac.new(self.audit_key, words.encode(), sha256).hexdigest()
