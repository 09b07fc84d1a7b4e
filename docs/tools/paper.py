"""Markdown to a page of HTML and, by chromium, to PDF."""

import os
import re
import sys
from html import escape
from pathlib import Path
from typing import Final

import markdown

from docs.tools.measured import ROOT

CHROMIUM: Final = Path(os.environ.get("MIEN_CHROMIUM", "/usr/bin/chromium"))
FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
_EXTENSIONS: Final = ["tables", "toc", "sane_lists", "attr_list", "md_in_html", "fenced_code"]
_STYLE: Final = Path(__file__).with_name("paper.css")


def report_html(text: str) -> str:
    """The report as a page, with a table of contents after its title.

    Links to other documents of ours lose their target, as paper has none.
    """
    title, _, rest = text.partition("\n")
    body = markdown.markdown(
        f"{title}\n\n[TOC]\n\n{rest}",
        extensions=_EXTENSIONS,
        extension_configs={"toc": {"toc_depth": "2-2"}},
    )
    body = re.sub(r'<a href="(?!https?:|#)[^"]*">(.*?)</a>', r"<em>\1</em>", body)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title.removeprefix('# '))}</title><style>{_STYLE.read_text()}</style>"
        f"</head><body>{body}</body></html>"
    )


def write_pdf(html: str, out: Path, *, base: Path, landscape: bool = False) -> None:
    """Print a page, whose pictures are relative to the folder `base`, with chromium.

    In landscape the page's own style sets size and margins. Without chromium the program ends.
    """
    if not CHROMIUM.exists():
        sys.exit(f"No PDF: there is no chromium at {CHROMIUM} (set MIEN_CHROMIUM).")
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
    print(f"{out.relative_to(ROOT)}, {out.stat().st_size / 1e3:.0f} kB")
