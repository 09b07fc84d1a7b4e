"""`mien`: analyse photos, evaluate models, train them, look after the store."""

import errno
import io
import os
import sys
from typing import Final

import typer

from cli.measure import audit, bench, detect_eval, detectors, evaluate, models
from cli.operate import doctor
from cli.operate.admin import admin_app
from cli.operate.store import store_app
from cli.photos import analyze, batch
from cli.training import bias, train, train_detector
from cli.training.study import study_app

_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)

app = typer.Typer(
    help="Finds faces in photos and says which of seven expressions each resembles.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    analyze.analyze,
    batch.batch,
    evaluate.evaluate,
    detect_eval.detect_eval,
    detectors.detectors,
    models.models,
    bench.bench,
    doctor.doctor,
    train.train,
    train.publish,
    train.publish_again,
    train.publish_ensemble,
    train.export,
    train_detector.train_detector,
    train_detector.publish_detector,
    train_detector.evaluate_detector,
    audit.audit,
):
    app.command()(command)
app.add_typer(bias.app, name="bias")
app.add_typer(study_app, name="study")
app.add_typer(store_app, name="store")
app.add_typer(admin_app, name="admin")


def main() -> None:
    """Entry point of the console script; errors of ours become one line and exit code 2."""
    from core.errors import MienError

    if sys.platform == "win32":
        sys.exit("mien: Windows is not supported; Mien runs on Linux, macOS and in WSL.")
    if sys.stdout is None:  # closed by whoever started this: what is printed goes nowhere
        sys.stdout = io.StringIO()
    _print_any_name()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()  # while there is somebody to tell that it fails
    except MienError as error:
        print(f"mien: {error}", file=sys.stderr)
        sys.exit(2)
    except OSError as exc:
        if exc.errno not in (*_NO_ROOM, errno.EPIPE):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python would try once more at its end
        if exc.errno == errno.EPIPE:  # who reads has enough, as `head` has
            sys.exit(1)
        print(f"mien: The results cannot be written: {exc.strerror}.", file=sys.stderr)
        sys.exit(2)


def _print_any_name() -> None:
    """Let screens that lack a character show it escaped; `core.pictures.files.names` says how."""
    from core.pictures.files.names import ESCAPE

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ESCAPE)
