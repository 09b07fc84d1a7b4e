"""`mien audit`: all figures and group breakdowns for somebody's own labelled pictures."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.options import Faces, FacesDetector, GroupBy
from cli.output import check_out, progress_bar, say, write_text

if TYPE_CHECKING:
    from core.config import Settings
    from core.pictures.images import PictureLimits
    from services.bias_audit.input import AuditSet
    from services.bias_audit.judge import AuditResult, ModelAudit


# Who says which group a picture belongs to.
LabelSource = Literal["declared", "annotated", "predicted", "measured"]
DataFile = Annotated[Path, typer.Option(help="csv: path,label,…; or parquet: image,label,…")]
Report = Annotated[Path | None, typer.Option(help="Report: .html, .json or .csv, by its suffix.")]
Archive = Annotated[
    Path | None, typer.Option(help="ZIP that holds the csv's pictures; else its folder does.")
]
Source = Annotated[LabelSource, typer.Option(help="Where the group labels come from.")]
LabelError = Annotated[
    float | None, typer.Option(min=0, max=0.5, help="Share of predicted labels that is wrong.")
]
Models = Annotated[
    list[str] | None,
    typer.Option(help="Id of a model, see `mien models`; several times to compare them."),
]
Corrupted = Annotated[
    int, typer.Option(min=0, max=500, help="Judge so many faces under 15 corruptions as well.")
]


def audit(
    data: DataFile,
    out: Report = None,
    images: Archive = None,
    faces: Faces = "crop",
    group_by: GroupBy = None,
    labels_are: Source = "annotated",
    label_error: LabelError = None,
    model: Models = None,
    detector: FacesDetector = None,
    robustness: Corrupted = 0,
) -> None:
    """Audit one or more models on your own data; nothing but the report is written.

    Exit code 0: audited; 2: the data is not usable, and the message names the rows.
    """
    from core.config import load_settings
    from core.detection import create_detector
    from services.bias_audit.judge import load_models, run_audit

    _check_out(out, data, *([images] if images else []))
    settings = load_settings()
    classifiers = load_models(model or [settings.default_model], settings.models_dir)
    named = detector or settings.default_detector
    finder = create_detector(named, settings.models_dir) if faces == "detect" else None
    checked = _read(data, images, tuple(group_by or ()), settings.picture_limits)
    _say_photos(checked, faces)
    names = [classifier.card.id for classifier in classifiers]
    with (
        _logged(settings, names, len(checked.images)) as judged,
        progress_bar("Judging") as progress,
    ):

        def step(done: int, total: int) -> None:
            judged(done)
            progress(done, total)

        result = run_audit(
            classifiers,
            checked,
            detector=finder,
            source=labels_are,
            label_error=label_error if labels_are == "predicted" else None,
            robustness_n=robustness,
            progress=step,
        )
    _print(result)
    if out is not None:
        _write(result, out)


def _check_out(out: Path | None, *sources: Path) -> None:
    """Refuse a bad name or place before minutes of work, not after."""
    if out is not None and out.suffix.lower() not in (".html", ".json", ".csv"):
        raise typer.BadParameter(f"--out must end in .html, .json or .csv, got {out.name}")
    check_out(out, *sources)


@contextmanager
def _logged(
    settings: "Settings", model_ids: list[str], pictures: int
) -> Iterator[Callable[[int], None]]:
    """Write beginning and end into the log of the store, where there is one."""
    from services.analysis.in_passing import AuditRecord
    from services.store import open_store_if_there

    store = open_store_if_there(settings)
    if store is None:
        yield lambda _done: None
        return
    try:
        with AuditRecord(store, None, model_ids=model_ids, pictures=pictures) as record:
            yield record.judged
    finally:
        store.close()


def _read(
    data: Path, images: Path | None, group_by: tuple[str, ...], limits: "PictureLimits"
) -> "AuditSet":
    from core.pictures.files.names import printable
    from core.pictures.files.table import read_bytes
    from services.bias_audit.input import check_set, read_table

    archive = read_bytes(images) if images else None
    table = read_table(data.name, read_bytes(data), beside=data.parent if images is None else None)
    return check_set(
        printable(data.name),
        table,
        group_by=group_by,
        archive=archive,
        folder=data.parent,
        limits=limits,
    )


def _say_photos(checked: "AuditSet", faces: str) -> None:
    if faces == "crop" and checked.are_photos():
        say(["These look like photos, not face crops: `--faces detect` finds the face first."])


def _print(result: "AuditResult") -> None:
    """The headline figures and the gaps, for people."""
    from core.pictures.files.names import printable
    from services.bias_audit import findings

    lines = []
    for one in result.models:
        lines += _lines(result, one)
    for pair in result.pairs:
        test = findings.pair_test(pair, len(result.pairs))
        lines.append(f"{findings.pair(pair)} {test}")
    if result.undetected:
        lines.append(f"no face found in {len(result.undetected)} pictures, which are left out")
    sys.stdout.write("\n".join(map(printable, [*lines, *result.notes])) + "\n")


def _lines(result: "AuditResult", one: "ModelAudit") -> list[str]:
    from core.measures.curves import summary_with_intervals
    from core.measures.groups.wording import summary_rows

    p = one.predictions
    lines = [f"{one.model_id} on {result.name}: {len(p)} faces"]
    for name, row in summary_with_intervals(p.labels, p.predicted).iterrows():
        value, low, high = (100 * float(row[key]) for key in ("value", "low", "high"))
        lines.append(
            f"{str(name).replace('_', ' '):18} {value:5.1f} % (95 %: {low:.1f} to {high:.1f})"
        )
    if one.robustness is not None:
        shares = [row["accuracy"] for row in one.robustness["rows"]]
        clean, n = one.robustness["clean_accuracy"], one.robustness["n"]
        mean = 100 * sum(shares) / len(shares)
        lines.append(f"{'corrupted':18} {mean:5.1f} % of {n} faces, {100 * clean:.1f} % untouched")
    for found in summary_rows(one.bias):
        lines.append(
            f"{found['attribute']} ({found['labels']}): gap {found['gap']}, chance stays below "
            f"{found['chance (95 %)']}, p {found['p (Holm)']}: {found['verdict']}"
        )
    return lines


def _write(result: "AuditResult", out: Path) -> None:
    from services.bias_audit.report import audit_html
    from services.bias_audit.tables import audit_csv, audit_json

    makers = {".html": audit_html, ".json": audit_json, ".csv": audit_csv}
    write_text(makers[out.suffix.lower()](result), out)
