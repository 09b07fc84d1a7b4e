"""Options that several commands have, in the same words."""

from pathlib import Path
from typing import Annotated, Literal

import typer

ModelId = Annotated[
    str | None, typer.Option("--model", help="Id of the model; see `mien models`.")
]
Faces = Annotated[
    Literal["crop", "detect"],
    typer.Option(help="crop: pictures are face crops; detect: largest face."),
]
FacesDetector = Annotated[str | None, typer.Option(help="Detector for --faces detect.")]
GroupBy = Annotated[
    list[str] | None, typer.Option("--group-by", help="Column; may be given several times.")
]
DetectorName = Annotated[str | None, typer.Option("--detector", help="Name of the face detector.")]
AllFigures = Annotated[bool, typer.Option("--json", help="All figures as JSON.")]
JsonArray = Annotated[bool, typer.Option("--json", help="One JSON array.")]
Out = Annotated[Path | None, typer.Option(help="Write there, not to the screen.")]
