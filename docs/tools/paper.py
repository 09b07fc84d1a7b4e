"""Markdown to a page of HTML and, by chromium, to PDF."""

import os
import re
from html import escape
from pathlib import Path
from typing import Final

import markdown

CHROMIUM: Final = Path(os.environ.get("MIEN_CHROMIUM", "/usr/bin/chromium"))
FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
)
_EXTENSIONS: Final = ["tables", "toc", "sane_lists", "attr_list", "md_in_html", "fenced_code"]
_STYLE: Final = """
@page { size: A4; margin: 20mm 18mm; }
body { font: 10.5pt/1.5 "DejaVu Serif", Georgia, serif; color: #16212B; margin: 0 auto;
       max-width: 46rem; }
h1, h2, h3, th, .toc { font-family: "DejaVu Sans", Arial, sans-serif; line-height: 1.25; }
h1 { font-size: 22pt; margin: 0 0 .3em; }
h2 { font-size: 14.5pt; margin: 1.6em 0 .4em; border-bottom: 2px solid #0F766E;
     padding-bottom: .15em; break-after: avoid; }
h3 { font-size: 11.5pt; margin: 1.3em 0 .3em; break-after: avoid; }
a { color: #0F766E; text-decoration: none; }
sup { font-size: 70%; line-height: 0; }
sup a { color: #5B6770; }
code { font: 88% "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: .8em 0; font-size: 8.5pt;
        font-family: "DejaVu Sans", Arial, sans-serif; line-height: 1.35; }
th { text-align: left; border-bottom: 1.5px solid #16212B; vertical-align: bottom; }
th, td { padding: .25em .5em .25em 0; }
td { border-bottom: .5px solid #D5DADD; vertical-align: top; }
tr { break-inside: avoid; }
img { max-width: 100%; display: block; margin: .8em auto .2em; }
p:has(> img) { break-inside: avoid; break-after: avoid; }
ul { padding-left: 1.3em; } li { margin: .2em 0; }
.toc { font-size: 9.5pt; background: #F3F5F6; padding: .6em 1em; margin: 1em 0 1.5em; }
.toc ul { list-style: none; padding-left: 1em; margin: 0; } .toc > ul { padding: 0; }
"""


def to_html(text: str, title: str, style: str = _STYLE) -> str:
    """A whole page; links to other documents of ours lose their target, as paper has none."""
    body = markdown.markdown(
        text,
        extensions=_EXTENSIONS,
        extension_configs={"toc": {"toc_depth": "2-2"}},
    )
    body = re.sub(r'<a href="(?!https?:|#)[^"]*">(.*?)</a>', r"<em>\1</em>", body)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}'
        f"</title><style>{style}</style></head><body>{body}</body></html>"
    )


def report_html(text: str) -> str:
    """The report with a table of contents after its title."""
    title, _, rest = text.partition("\n")
    return to_html(f"{title}\n\n[TOC]\n\n{rest}", title.removeprefix("# "))


def write_pdf(html: str, out: Path, *, base: Path, landscape: bool = False) -> None:
    """Print a page, whose pictures are relative to the folder `base`, with chromium.

    In landscape the page's own style sets size and margins.
    """
    from playwright.sync_api import sync_playwright

    source = base / f".{out.stem}.html"  # beside its pictures, so that they are found
    source.write_text(html, encoding="utf-8")
    footer = (
        '<div style="font:8px sans-serif;width:100%;text-align:center;color:#5B6770">'
        '<span class="pageNumber"></span> / <span class="totalPages"></span></div>'
    )
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
            page = browser.new_page()
            page.goto(source.as_uri())
            page.pdf(
                path=out,
                print_background=True,
                prefer_css_page_size=True,
                outline=True,
                tagged=True,
                display_header_footer=not landscape,
                header_template="<i></i>",
                footer_template=footer,
            )
            browser.close()
    finally:
        source.unlink()
