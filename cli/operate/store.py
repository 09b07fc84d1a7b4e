"""`mien store …`: look after what is kept, for operators and for people with a receipt code."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import check_out, counted

if TYPE_CHECKING:
    from services.store import Store

# Rows that an erasure deletes -> what they are to people.
GONE = {
    "stored_image": "image",
    "analysis": "result",
    "consent_record": "consent record",
    "subject": "receipt code",
}
NOT_DONE = 1  # exit status where something is left to do or the log is not whole

store_app = typer.Typer(
    help="Look after what is kept: erase, export, purge, verify.", no_args_is_help=True
)
CodeArgument = Annotated[
    str, typer.Argument(metavar="CODE", help="Receipt code; - reads it from standard input.")
]


@contextmanager
def opened_store(*, look_only: bool = False) -> Iterator["Store"]:
    """The store of the settings, closed afterwards; `look_only` makes and changes nothing."""
    from core.config import load_settings
    from services.store import look_at_store_of, open_store_of

    store = (look_at_store_of if look_only else open_store_of)(load_settings())
    try:
        yield store
    finally:
        store.close()


def _code(argument: str) -> str:
    # From standard input a code stays out of the shell's history and the list of processes.
    return sys.stdin.readline() if argument == "-" else argument


@store_app.command()
def status() -> None:
    """Say where the store is and how much it holds."""
    from services.store import summary

    with opened_store(look_only=True) as store:
        found = summary(store)
    print(f"Data folder  {found.data_dir}")
    print(f"Database     {found.database}")
    kept = f"{counted(found.results, 'result')}, {counted(found.images, 'image')}"
    size = f"{found.image_bytes / 1e6:.1f} MB"
    print(f"Kept         {kept} ({size}) of {counted(found.subjects, 'person')}")


@store_app.command()
def verify(
    expect: Annotated[
        str,
        typer.Option(metavar="SEQ:HASH", help="An end of the log noted earlier, to compare with."),
    ] = "",
) -> None:
    """Check the audit log and the rows that decide; names the first row that does not fit.

    Only reads: on a folder without a store it says so and makes nothing.
    """
    from services.store import ChainHead, chain_status

    expected = None
    if expect:
        seq, _, hash_hex = expect.partition(":")
        if not seq.isdigit() or not hash_hex:
            raise typer.BadParameter("write it as SEQ:HASH, as this command printed it")
        expected = ChainHead(int(seq), hash_hex, int(seq))
    with opened_store(look_only=True) as store:
        found = chain_status(store, expected)
    if not found.ok:
        print(f"The store is not whole after {found.count} good rows of the log: {found.problem}")
        if found.first_bad_seq is not None:
            print(f"First bad row: {found.first_bad_seq}")
        raise typer.Exit(NOT_DONE)
    print(f"The audit log is whole: {found.count} rows.")
    if found.end is not None:
        print(f"Its end, to note elsewhere: {found.end.seq}:{found.end.hash}")


@store_app.command()
def purge(
    now: Annotated[bool, typer.Option("--now", help="The default; there is no other way.")] = True,
) -> None:
    """Remove all that is over its time, and finish erasures."""
    from services.person.purge import purge as run

    with opened_store() as store:
        report = run(store)
    if report.skipped:
        print("Another process is purging; nothing was done here.")
        return
    print(
        f"Removed {counted(report.images, 'image')}, {counted(report.analyses, 'result')}, "
        f"{counted(report.subjects, 'consent record')} and "
        f"{counted(report.strays, 'stray file')}."
    )
    if not report.done:
        left = counted(report.unfinished, "removal")
        print(f"Not finished: {left}; run this again in a minute.")
        raise typer.Exit(NOT_DONE)


@store_app.command()
def erase(code: CodeArgument) -> None:
    """Erase everything that is kept under a receipt code."""
    from services.person.consent import erase as run

    with opened_store() as store:
        job = run(store, _code(code))
    if not job.done:
        print("The erasure has begun and is not finished; `mien store purge` goes on with it.")
        raise typer.Exit(NOT_DONE)
    gone = [counted(count, GONE[table]) for table, count in job.counts.items()]
    print(f"Deleted: {', '.join(gone)}.")


@store_app.command()
def export(
    code: CodeArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="The ZIP file to write.")] = Path(
        "mien-export.zip"
    ),
) -> None:
    """Write everything that is kept under a receipt code into one ZIP file."""
    from core.pictures.files.output import write_output
    from services.person.export import export as run

    if out.exists():
        raise typer.BadParameter(f"{out} exists; name another file with --out")
    check_out(out)
    with opened_store() as store:
        made = run(store, _code(code))
    write_output(out, made.zip_bytes, private=True)
    kept = f"{counted(made.analyses, 'result')} and {counted(made.images, 'image')}"
    print(f"Wrote {kept} to {out}.")
    if made.missing:
        print(f"Not in it, because nobody can open them: {counted(made.missing, 'image')}.")


@store_app.command()
def retention(
    kind: Annotated[
        str | None, typer.Argument(metavar="KIND", help="result, image or erasure_job.")
    ] = None,
    days: Annotated[
        int | None, typer.Argument(metavar="DAYS", help="0 (not stored) to 1095.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Change it, not only preview.")] = False,
) -> None:
    """Show how long data stays; preview or make a change."""
    from services.admin.review import Kind, preview_retention, retention_policies, set_retention
    from services.admin.sign_in import OPERATOR

    with opened_store() as store:
        if kind is None:
            for policy in retention_policies(store):
                print(f"{policy.kind.value:<14} {policy.days} days")
            return
        if kind not in list(Kind) or days is None:
            raise typer.BadParameter("Give the days, and one of: result, image, erasure_job")
        if yes:
            set_retention(store, Kind(kind), days, admin=OPERATOR)
            print(f"{kind}: {days} days from now on; `mien store purge` removes what is over.")
            return
        preview = preview_retention(store, Kind(kind), days)
    print(f"{preview.goes} would go with the next purge, {preview.stays} would stay.")
    print("Nothing is changed; add --yes to change it.")


@store_app.command()
def policy() -> None:
    """Print the published retention and destruction policy."""
    from services.person.consent import current_policy

    with opened_store() as store:
        print(current_policy(store).text)


@store_app.command()
def reanchor(
    yes: Annotated[bool, typer.Option("--yes", help="Do it; the log will say so.")] = False,
) -> None:
    """Accept the log's present end and the present clock, after a restore or a wrong clock."""
    from services.store import reanchor as run

    if not yes:
        raise typer.BadParameter("add --yes once you know why the log or the clock differs")
    with opened_store() as store:
        found = run(store)
    if not found.ok:
        print(f"Accepted the end, but {found.problem[:1].lower()}{found.problem[1:]}")
        raise typer.Exit(NOT_DONE)
    print(f"Accepted: {found.count} rows.")
