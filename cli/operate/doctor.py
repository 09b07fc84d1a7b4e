"""`mien doctor`: is this installation whole, and what mends it."""

import json
from typing import Annotated

import typer

BAD = 1  # exit status where something has to be mended
_MARKS = {"good": "ok  ", "note": "note", "bad": "BAD "}


def doctor(
    ready: Annotated[
        bool, typer.Option("--ready", help="Only what is needed to serve: models, store, disk.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One object a check.")] = False,
) -> None:
    """Check this installation; exits with 1 where something has to be mended. Changes nothing."""
    from core.config import load_settings
    from services.operations.doctor import can_serve, examine

    settings = load_settings()
    found = list(can_serve(settings) if ready else examine(settings))
    if as_json:
        print(json.dumps([check.as_dict() for check in found], indent=1))
    else:
        for check in found:
            print(f"{_MARKS[check.state]}  {check.name}: {check.found}")
            if check.advice and check.state != "good":
                print(f"      -> {check.advice}")
    if any(check.state == "bad" for check in found):
        raise typer.Exit(BAD)
