"""`mien batch`: thousands of files in, one table in parts out, on as many processes as wanted."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import DetectorName, ModelId
from cli.output import counted, n_cores, say

if TYPE_CHECKING:
    from rich.progress import Progress

    from services.batch.folder import BatchFolder, BatchSummary

ALL_OK, SOME_REFUSED = 0, 1


def batch(
    source: Annotated[
        str,
        typer.Argument(help="Folder, pattern, csv or parquet with a column path; also as URL."),
    ],
    out: Annotated[Path, typer.Option(help="Folder of results, such as results.parquet.")],
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes here; one a core if not given.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(help="An existing Dask cluster, such as tcp://host:8786.")
    ] = None,
    model: ModelId = None,
    detector: DetectorName = None,
) -> None:
    """Analyse very many photos; run it again after a stop and it goes on where it was.

    The results folder reads as one table (`pandas.read_parquet`), a row a face in the order of
    the files; refused files are in it too, and with their reasons in `_refused.csv`.

    Exit code 0: every file was analysed; 1: some were refused, the others still done; 2: wrong
    usage; 130: stopped by Ctrl-C.
    """
    if workers and scheduler:
        raise typer.BadParameter("choose --workers or --scheduler, not both")
    try:
        from services.batch.run import batch_job
    except ModuleNotFoundError as exc:
        raise typer.BadParameter(
            "batches need the extra cluster: `make setup-batch` in a checkout"
        ) from exc
    from core.config import load_settings
    from core.pictures.files.names import printable
    from services.batch.files import iter_files
    from services.batch.folder import open_batch

    settings = load_settings()
    job = batch_job(
        settings,
        model_id=model or settings.default_model,
        detector=detector or settings.default_detector,
    )
    notes: list[str] = []
    with open_batch(out, printable(source), job, iter_files(source, notes)) as folder:
        say(notes)
        if folder.missing_parts():
            _run(folder, workers, scheduler)
        summary = folder.finish()
    _say(summary, out)
    raise typer.Exit(SOME_REFUSED if summary.refused else ALL_OK)


def _run(folder: "BatchFolder", workers: int | None, scheduler: str | None) -> None:
    """Run with a bar on the screen, or without one where there is none."""
    from services.batch.run import local_client, remote_client, run_batch

    client = remote_client(scheduler) if scheduler else local_client(workers or n_cores())
    before = folder.n_files - sum(len(folder.part_files(p)[1]) for p in folder.missing_parts())
    pressed: list[bool] = []
    try:
        with client as cluster, _bar() as bar, _noted_interrupt(pressed):
            shown = bar.add_task("", total=folder.n_files, completed=before, rate="…")

            def on_part(n_files: int) -> None:
                if pressed:
                    raise KeyboardInterrupt
                bar.advance(shown, n_files)
                speed = bar.tasks[0].speed
                bar.update(shown, rate="…" if speed is None else f"{speed:.0f}")

            run_batch(folder, cluster, on_part=on_part)
    except KeyboardInterrupt:
        say(["Stopped. The same command goes on where it was."])
        raise


def _bar() -> "Progress":
    from rich import progress
    from rich.console import Console

    console = Console(stderr=True)
    return progress.Progress(
        progress.TextColumn("Analysing"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[rate]} photos/s"),
        progress.TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


@contextmanager
def _noted_interrupt(pressed: list[bool]) -> Iterator[None]:
    """Note a Ctrl-C, which is lost where it falls into a callback of Dask's."""

    def press(*_: object) -> None:
        pressed.append(True)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, press)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _say(summary: "BatchSummary", out: Path) -> None:
    print(f"{counted(summary.n_done, 'file')}, {counted(summary.n_faces, 'face')}: {out}")
    if summary.refused:
        n_refused = sum(summary.refused.values())
        print(f"Refused: {counted(n_refused, 'file')}, listed in {out / '_refused.csv'}:")
        for kind, count in summary.refused.items():
            print(f"  {count:,} × {kind.replace('_', ' ')}")
