"""Options that several commands have, in the same words."""

from typing import Annotated

import typer

ModelId = Annotated[
    str | None, typer.Option("--model", help="Id of the model; see `mien models`.")
]
DetectorName = Annotated[str | None, typer.Option("--detector", help="Name of the face detector.")]
