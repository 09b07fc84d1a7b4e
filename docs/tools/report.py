"""`python -m docs.tools.report`: figures, report, ethics and data cards, and the report's PDF."""

from pathlib import Path
from typing import Annotated, Final

import typer

from docs.tools.figures.make import write_all
from docs.tools.measured import ROOT, Measured
from docs.tools.render import render

DOCS: Final = ROOT / "docs"
# What is rendered from what; all lie in docs/, so figures are found alike.
DOCUMENTS: Final = {
    "report.md": "report/report.md",
    "ethics.md": "templates/ethics.md",
    "datasets.md": "templates/datasets.md",
    "detection.md": "templates/pages/detection.md",
    "landmarks.md": "templates/pages/landmarks.md",
    "performance.md": "templates/performance.md",
}
FIGURES_FOLDER: Final = "report/figures"


def rendered(name: str, root: Path = ROOT) -> str:
    """One document as it should be, from the files there are now."""
    return render(DOCS / DOCUMENTS[name], FIGURES_FOLDER, root)


def main(
    no_pdf: Annotated[bool, typer.Option("--no-pdf", help="Only Markdown and figures.")] = False,
) -> None:
    """Write everything; without chromium, everything but the PDF."""
    figures = write_all(Measured())
    print(f"{len(figures)} figures in docs/{FIGURES_FOLDER}")
    for name in DOCUMENTS:
        (DOCS / name).write_text(rendered(name), encoding="utf-8")
        print(f"docs/{name}")
    if no_pdf:
        return
    from docs.tools.paper import report_html, write_pdf

    write_pdf(report_html((DOCS / "report.md").read_text("utf-8")), DOCS / "report.pdf", base=DOCS)


if __name__ == "__main__":
    typer.run(main)
