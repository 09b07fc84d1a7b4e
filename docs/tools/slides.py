"""`python -m docs.tools.slides`: docs/slides/slides.md to HTML and, with chromium, to PDF.

A line of three dashes begins a page. A page's first line may name its shape, such as
`<!-- class: split -->`; every page names the files that its figures came from at its foot.
"""

import re
import sys
from html import escape
from pathlib import Path
from typing import Final

import markdown

from docs.tools.measured import ROOT, Measured
from docs.tools.paper import CHROMIUM, write_pdf
from docs.tools.render import filled, take_marks

FOLDER: Final = ROOT / "docs" / "slides"
_SHAPE: Final = re.compile(r"<!-- class: ([a-z ]+) -->")
_STYLE: Final = """
@page { size: 1280px 720px; margin: 0; }
* { box-sizing: border-box; }
html { background: #DDE2E4; }
body { margin: 0; font: 25px/1.42 "DejaVu Sans", Arial, sans-serif; color: #16212B; }
section { width: 1280px; height: 720px; padding: 48px 64px 56px; background: #fff; margin: 0 auto;
          position: relative; overflow: hidden; break-after: page; display: flex;
          flex-direction: column; }
@media screen { section { margin: 24px auto; box-shadow: 0 2px 14px #0003; } }
h1 { font-size: 60px; line-height: 1.1; margin: 0 0 .3em; }
h2 { font-size: 38px; line-height: 1.15; margin: 0 0 .55em; color: #0F766E; }
p, ul, ol { margin: 0 0 .6em; } li { margin: 0 0 .4em; } ul { padding-left: 1.1em; }
strong { color: #0F766E; } a { color: inherit; }
code { font-family: "DejaVu Sans Mono", monospace; font-size: 85%; }
table { border-collapse: collapse; font-size: 19px; width: 100%; }
th { text-align: left; border-bottom: 2px solid #16212B; }
th, td { padding: .22em .7em .22em 0; } td { border-bottom: 1px solid #D5DADD; }
img { width: 100%; max-height: 530px; object-fit: contain; display: block; margin: 0 auto; }
img[src*=screenshots] { width: auto; max-width: 100%; border: 1px solid #D5DADD;
                        border-radius: 10px; }
em { color: #4A555E; }
.split { display: grid; grid-template-columns: 1fr 1fr; gap: 0 44px;
         grid-template-rows: auto 1fr; }
.split > h2 { grid-column: 1 / -1; }
.split > .left, .split > .right { min-width: 0; align-self: center; }
.pictureleft { grid-template-columns: 7fr 5fr; } .pictureright { grid-template-columns: 5fr 7fr; }
.grid p { display: grid; grid-template-columns: 1fr 1fr; gap: 18px; margin: 0; }
.grid img { width: 100%; height: 268px; object-fit: cover; object-position: top; }
.title { background: #0B3B38; color: #fff; } .title h1, .title strong, .title em { color: #fff; }
.title { grid-template-rows: 1fr; }
.short img { max-height: 360px; }
.small { font-size: 21px; }
footer { position: absolute; left: 64px; right: 64px; bottom: 18px; font-size: 11.5px;
         color: #6B767E; display: flex; justify-content: space-between; gap: 2em; }
.title footer { color: #CFE3E1; }
"""


def pages(root: Path = ROOT) -> list[str]:
    """Each page as Markdown, with marks."""
    return [page.strip() for page in _filled(root)[0].split("\n---\n")]


def html(root: Path = ROOT) -> str:
    """All pages as one HTML file."""
    text, measured = _filled(root)
    all_pages = [page.strip() for page in text.split("\n---\n")]
    sections = [
        _section(page, number, len(all_pages), measured)
        for number, page in enumerate(all_pages, 1)
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Mien</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(sections)}</body></html>"
    )


def _filled(root: Path) -> tuple[str, Measured]:
    return filled(FOLDER / "slides.md", "../report/figures", root)


def _section(page: str, number: int, n_pages: int, measured: Measured) -> str:
    plain, marks = take_marks(page)
    shape = _SHAPE.search(plain)
    # A table or figure of the report names its sources below itself; here the foot does.
    plain = re.sub(r"^\*(?:Source:|Figure \d+\..*?)\*$", "", _SHAPE.sub("", plain), flags=re.M)
    body = markdown.markdown(plain, extensions=["tables", "md_in_html", "sane_lists"])
    sources = [list(measured.sources.values())[mark - 1] for mark in marks]
    foot = " · ".join(dict.fromkeys(escape(source.path) for source in sources))
    return (
        f'<section class="{shape[1] if shape else ""}">{body}<footer><span>{foot}</span>'
        f"<span>{number} / {n_pages}</span></footer></section>"
    )


def main() -> None:
    """Write slides.html and slides.pdf."""
    text = html()
    (FOLDER / "slides.html").write_text(text, encoding="utf-8")
    print("docs/slides/slides.html")
    if not CHROMIUM.exists():
        sys.exit(f"No PDF: there is no chromium at {CHROMIUM} (set MIEN_CHROMIUM).")
    out = FOLDER / "slides.pdf"
    write_pdf(text, out, base=FOLDER, landscape=True)
    print(f"docs/slides/slides.pdf, {out.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
