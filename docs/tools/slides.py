"""`python -m docs.tools.slides`: docs/slides/slides.md to HTML and, with chromium, to PDF.

A line of three dashes begins a page. A page's first line may name its shape, such as
`<!-- class: split -->`; every page names the files that its figures came from at its foot.
"""

import re
from html import escape
from pathlib import Path
from typing import Final

import markdown

from docs.tools.measured import ROOT, Measured
from docs.tools.paper import write_pdf
from docs.tools.render import filled, take_marks

FOLDER: Final = ROOT / "docs" / "slides"
_SHAPE: Final = re.compile(r"<!-- class: ([a-z ]+) -->")
_STYLE: Final = Path(__file__).with_name("slides.css")


def pages(root: Path = ROOT) -> tuple[list[str], Measured]:
    """Each page as Markdown, with marks, and the files that these are of."""
    text, measured = filled(FOLDER / "slides.md", "../report/figures", root)
    return [page.strip() for page in text.split("\n---\n")], measured


def html(root: Path = ROOT) -> str:
    """All pages as one HTML file."""
    all_pages, measured = pages(root)
    sections = [
        _section(page, number, len(all_pages), measured)
        for number, page in enumerate(all_pages, 1)
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Mien</title>'
        f"<style>{_STYLE.read_text()}</style></head><body>{''.join(sections)}</body></html>"
    )


def _section(page: str, number: int, n_pages: int, measured: Measured) -> str:
    plain, marks = take_marks(page)
    shape = _SHAPE.search(plain)
    # A table or figure of the report names its sources below itself; here the foot does.
    plain = re.sub(r"^\*(?:Source:|Figure \d+\..*?)\*$", "", _SHAPE.sub("", plain), flags=re.M)
    body = markdown.markdown(plain, extensions=["tables", "md_in_html", "sane_lists"])
    paths = list(measured.sources)
    foot = " · ".join(dict.fromkeys(escape(paths[mark - 1]) for mark in marks))
    return (
        f'<section class="{shape[1] if shape else ""}">{body}<footer><span>{foot}</span>'
        f"<span>{number} / {n_pages}</span></footer></section>"
    )


def main() -> None:
    """Write slides.html and slides.pdf."""
    text = html()
    (FOLDER / "slides.html").write_text(text, encoding="utf-8")
    print("docs/slides/slides.html")
    write_pdf(text, FOLDER / "slides.pdf", base=FOLDER, landscape=True)


if __name__ == "__main__":
    main()
