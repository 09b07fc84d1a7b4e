"""The folder that a batch writes, made so that a killed run loses nothing and doubles nothing.

    results.parquet/
      _manifest.json        what is analysed with what; written when the list is whole
      _files.arrow          the list of files in their order, made once
      part-000000.parquet   results of the first `part_size` files, whole or not there
      _refused.csv          the refused files with their reasons, made at the end of a run
      _lock                 held by the run that writes

A part is written under another name, forced to disk and renamed, so its being there says that it
is done. Names that begin with `_` are passed over by pandas, Arrow, Dask and Spark, which read the
folder as one table.
"""

import csv
import fcntl
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal, Self

import pyarrow as pa
import pyarrow.parquet as parquet
from pydantic import TypeAdapter

from core.errors import damage_is
from core.pictures.files.names import original, printable
from core.pictures.files.output import OutputError, appearing, check_output
from services.analysis.photos import spreadsheet_safe
from services.batch.files import BatchError
from services.batch.table import REFUSAL_COLUMNS

_LIST_ROWS: Final = 1024  # files in one record batch of the list
_PART_SIZES: Final = (16, 32, 64, 128, 256, 512)  # each divides _LIST_ROWS
_PARTS_WANTED: Final = 256
_DIGEST: Final = b"mien.files"
_DAMAGED: Final = (
    "The manifest or the list there is damaged or of another version: choose another --out, or "
    "remove that folder and begin anew."
)


@dataclass(frozen=True)
class BatchJob:
    """What the results depend on; a batch only goes on under the very same.

    `model_sha256` is the file's, so that a worker with another one refuses; lower faces than
    `min_face_px` are listed but not judged; larger files or pictures are refused.
    """

    model_id: str
    model_sha256: str
    detector: str
    min_face_px: int
    max_bytes: int
    max_pixels: int


@dataclass(frozen=True)
class BatchSummary:
    """What a batch has come to; `refused` counts files by kind of refusal."""

    n_files: int
    n_done: int
    n_faces: int
    refused: dict[str, int]


@dataclass(frozen=True)
class _Manifest:
    """Content of `_manifest.json`."""

    source: str
    job: BatchJob
    n_files: int
    part_size: int
    files_sha256: str
    format: Literal[1] = 1


class BatchFolder:
    """An opened results folder, locked against other runs until `close`."""

    def __init__(self, path: Path, manifest: _Manifest, lock: Any) -> None:
        """Use `open_batch`."""
        self.path, self._manifest, self._lock = path, manifest, lock
        self.job, self.n_files = manifest.job, manifest.n_files
        self.n_parts = -(-self.n_files // manifest.part_size)
        self._list = pa.ipc.open_file(pa.memory_map(str(path / "_files.arrow")))

    def part_files(self, part: int) -> tuple[int, list[str]]:
        """Number of a part's first file (from 0) and its files in their order."""
        first = part * self._manifest.part_size
        batch = self._list.get_batch(first // _LIST_ROWS)
        inside = batch.column(0).slice(first % _LIST_ROWS, self._manifest.part_size)
        return first, [original(name) for name in inside.to_pylist()]

    def missing_parts(self) -> list[int]:
        """Parts that are still to be made; what is damaged or foreign counts as missing."""
        return [part for part in range(self.n_parts) if not self._is_whole(part)]

    def _is_whole(self, part: int) -> bool:
        try:
            found = parquet.read_schema(self._part_path(part)).metadata or {}
        except (OSError, pa.ArrowInvalid):
            return False
        return bool(found.get(_DIGEST) == self._manifest.files_sha256.encode())

    def write_part(self, part: int, table: pa.Table) -> None:
        """Make a part appear at once and whole."""
        marked = table.replace_schema_metadata({_DIGEST: self._manifest.files_sha256})
        with _on_disk(), appearing(self._part_path(part)) as unfinished:
            parquet.write_table(marked, unfinished, compression="zstd")

    def _part_path(self, part: int) -> Path:
        return self.path / f"part-{part:06d}.parquet"

    def finish(self) -> BatchSummary:
        """List the refused files in `_refused.csv` and count what is there."""
        n_done = n_faces = 0
        kinds: Counter[str] = Counter()
        with (
            _on_disk(),
            appearing(self.path / "_refused.csv") as unfinished,
            unfinished.open("w", encoding="utf-8", newline="") as file,
        ):
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(REFUSAL_COLUMNS)
            for part in range(self.n_parts):
                if not self._is_whole(part):
                    continue
                rows = parquet.read_table(
                    self._part_path(part), columns=[*REFUSAL_COLUMNS, "face"]
                ).to_pylist()
                n_done += len({row["number"] for row in rows})
                n_faces += sum(row["face"] is not None for row in rows)
                for row in rows:
                    if row["error_kind"] is not None:
                        kinds[row["error_kind"]] += 1
                        safe = {**row, "file": spreadsheet_safe(row["file"])}
                        writer.writerow([safe[column] for column in REFUSAL_COLUMNS])
        return BatchSummary(self.n_files, n_done, n_faces, dict(kinds.most_common()))

    def close(self) -> None:
        """Let other runs in."""
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        """See `close`."""
        self.close()


def open_batch(path: Path, source: str, job: BatchJob, files: Iterable[str]) -> BatchFolder:
    """Begin a batch in `path`, or go on with the one that is there, of the same source and job.

    `files` are only read when the batch is new.

    Raises:
        BatchError: if another run writes there, or something else is there already.
    """
    try:
        _check_place(path)
        path.mkdir(parents=True, exist_ok=True)
        check_output(path / "_files.arrow")
        lock = (path / "_lock").open("w")
    except (OSError, OutputError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "the disk is full, or it is read-only"
        raise BatchError(f"The folder named by --out cannot be written: {why}.") from exc
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system lets go if we are killed
    except OSError as exc:
        lock.close()
        raise BatchError("Another run is writing there; wait for it or choose another.") from exc
    try:
        for leftover in path.glob("_unfinished-*"):
            leftover.unlink()
        manifest = _read_manifest(path) or _begin(path, source, job, files)
        if (manifest.source, manifest.job) != (source, job):
            raise BatchError(
                "The results there are of another source, model, detector or limit: choose "
                "another --out, or remove them."
            )
    except BaseException:
        lock.close()
        raise
    return BatchFolder(path, manifest, lock)


@contextmanager
def _on_disk() -> Iterator[None]:
    """Say in one sentence why something cannot be written; what was written stays."""
    try:
        yield
    except OSError as exc:
        why = os.strerror(exc.errno) if exc.errno else "the system refuses it"
        raise BatchError(
            f"The results cannot be written ({why}). What is there is whole; once this is mended, "
            "the same command goes on where it was."
        ) from exc


def _check_place(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise BatchError("There is a file of that name already; --out becomes a folder.")
    if path.is_dir() and not (path / "_lock").exists() and any(path.iterdir()):
        raise BatchError("The folder named by --out holds something else; choose another.")


def _read_manifest(path: Path) -> _Manifest | None:
    file = path / "_manifest.json"
    if not file.exists():
        return None
    with damage_is(BatchError(_DAMAGED)):
        manifest = TypeAdapter(_Manifest).validate_json(file.read_bytes(), strict=True)
        n_files, digest = _counted(_listed(path), manifest.job)
        if (n_files, _part_size(n_files), digest) != (
            manifest.n_files,
            manifest.part_size,
            manifest.files_sha256,
        ):
            raise ValueError("the list is not the one that was begun")
    return manifest


def _listed(path: Path) -> Iterator[list[str]]:
    with pa.ipc.open_file(pa.memory_map(str(path / "_files.arrow"))) as listed:
        for number in range(listed.num_record_batches):
            yield listed.get_batch(number).column(0).to_pylist()


def _begin(path: Path, source: str, job: BatchJob, files: Iterable[str]) -> _Manifest:
    """Write the list and then the manifest, which says that the list is whole."""
    schema = pa.schema([("file", pa.string())])
    with (
        _on_disk(),
        appearing(path / "_files.arrow") as unfinished,
        pa.ipc.new_file(str(unfinished), schema) as writer,
    ):

        def written() -> Iterator[list[str]]:
            rest = map(printable, files)
            while names := list(islice(rest, _LIST_ROWS)):
                writer.write_batch(pa.record_batch([pa.array(names, pa.string())], schema))
                yield names

        n_files, digest = _counted(written(), job)
    manifest = _Manifest(source, job, n_files, _part_size(n_files), digest)
    with _on_disk(), appearing(path / "_manifest.json") as unfinished:
        unfinished.write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")
    return manifest


def _counted(lists: Iterable[list[str]], job: BatchJob) -> tuple[int, str]:
    """How many files there are, and the hash of their names and of what is done with them."""
    n_files, digest = 0, hashlib.sha256()
    for names in lists:
        n_files += len(names)
        digest.update("\0".join([*names, ""]).encode())
    digest.update(json.dumps(asdict(job)).encode())
    return n_files, digest.hexdigest()


def _part_size(n_files: int) -> int:
    """Small enough that a kill costs little, large enough that there are not too many files."""
    wanted = n_files / _PARTS_WANTED
    return next((size for size in _PART_SIZES if size >= wanted), _PART_SIZES[-1])
