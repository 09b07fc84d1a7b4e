"""What the commands of studies share: options, the model, and where a study is written."""

import shlex
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.output import check_out

if TYPE_CHECKING:
    from core.config import Settings
    from core.expression.classify import EmotionClassifier

Fer2013 = Annotated[Path, typer.Option("--data", help="FER-2013 as parquet.")]
Out = Annotated[Path | None, typer.Option(help="JSON file; where the app reads it if not given.")]


def settings() -> "Settings":
    """The settings, loaded when a command runs."""
    from core.config import load_settings

    return load_settings()


def label_classifier(model_id: str | None) -> "EmotionClassifier":
    """As `classifier`, predicting FER-2013's labels, for studies that measure against them."""
    return classifier(model_id).in_dialect("fer2013")


def classifier(model_id: str | None) -> "EmotionClassifier":
    """The default model, a shipped one, or one that `mien publish --unshipped` left here."""
    from core.expression.classify import EmotionClassifier
    from core.expression.model_card import with_unshipped

    name = model_id or settings().default_model
    return EmotionClassifier.load(name, with_unshipped(name, settings().models_dir))


def command() -> str:
    """What was typed, with file names in place of paths."""
    return shlex.join(["mien", *(Path(w).name if "/" in w else w for w in sys.argv[1:])])


def check(*paths: Path, out: Path | None = None, folders: bool = False) -> None:
    """Say which set is missing, or that nothing can be written, before anything is measured.

    Without `out` a study is for the folder where the app reads it. Sets may be `folders`.

    Raises:
        DatasetError: a set is not there.
        OutputError: the file cannot be written.
    """
    from core.errors import DatasetError

    for path in paths:
        if not path.is_file() and not (folders and path.is_dir()):
            raise DatasetError(f"There is no file {path}; README.md says where to get the set.")
    if out is None:
        with suppress(OSError):  # the reason is told of the file
            _file("study").parent.mkdir(parents=True, exist_ok=True)
    check_out(out or _file("study"), *paths)


def write(name: str, content: dict[str, Any], out: Path | None = None) -> None:
    """Write models/studies/<name>.json, or `out`, and say where.

    Raises:
        OutputError: it cannot be written; what was measured is on the screen then.
    """
    from core.measures.study import study_text, write_study
    from core.pictures.files.output import OutputError

    file, digits = out or _file(name), 6  # more than any of these figures has
    try:
        write_study(file, content, digits=digits)
    except OutputError:
        print(study_text(content, digits=digits))
        raise
    print(f"Written to {file}.")


def _file(name: str) -> Path:
    return settings().models_dir / "studies" / f"{name}.json"
