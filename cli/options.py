"""Options that several commands have, in the same words."""

from pathlib import Path
from typing import Annotated

import typer

ModelId = Annotated[
    str | None, typer.Option("--model", help="Id of the model; see `mien models`.")
]
DetectorName = Annotated[str | None, typer.Option("--detector", help="Name of the face detector.")]
AllFigures = Annotated[bool, typer.Option("--json", help="All figures as JSON.")]
JsonArray = Annotated[bool, typer.Option("--json", help="One JSON array.")]
Out = Annotated[Path | None, typer.Option(help="Write there, not to the screen.")]
