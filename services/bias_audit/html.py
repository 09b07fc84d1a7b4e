"""The pieces that HTML reports are put together from; whatever comes from data is escaped."""

import html
import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

from services.bias_audit.svg import Line, lines_svg

STYLE: Final = """
:root{color-scheme:light dark;--ink:#16212b;--quiet:#5a6670;--line:#d5dbe0;--paper:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e8edf1;--quiet:#a3adb5;--line:#35424d;
--paper:#11181f}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;
margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;margin:.8rem 0;font-variant-numeric:tabular-nums;font-size:.9rem}
.wide{overflow-x:auto}
th,td{border:1px solid var(--line);padding:.25rem .6rem;text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}
figcaption,.quiet{color:var(--quiet);font-size:.9rem}
figure{margin:1rem 0}svg{max-width:100%;height:auto}svg text{fill:currentColor}
.note{border-left:4px solid #D55E00;padding:.4rem .8rem;margin:.8rem 0}
"""


def document(title: str, body: str) -> str:
    """A page without scripts that loads nothing; `title` is text, `body` is HTML."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        # No script can run, whatever the data holds, and nothing is loaded.
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{text(title)}</title><style>{STYLE}</style></head><body>"
        f"<h1>{text(title)}</h1>{body}</body></html>"
    )


def text(value: object) -> str:
    """Any value, escaped."""
    return html.escape(str(value))


def share_text(value: float | None) -> str:
    """A share in per cent, a dash for none."""
    if value is None or math.isnan(value):
        return "–"
    return f"{100 * value:.1f}&nbsp;%"


def interval(low: float | None, high: float | None) -> str:
    """Both ends of an interval of shares."""
    return f"{share_text(low)} to {share_text(high)}"


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Cells are HTML already."""
    head = "".join(f'<th scope="col">{cell}</th>' for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def markdown(sentence: str) -> str:
    """The two marks that our own sentences use, after escaping."""
    escaped, result = text(sentence), []
    for index, part in enumerate(escaped.split("**")):
        inner = "".join(f"<em>{p}</em>" if i % 2 else p for i, p in enumerate(part.split("*")))
        result.append(f"<strong>{inner}</strong>" if index % 2 else inner)
    return "".join(result)


def figure(lines: list[Line], titles: tuple[str, str], caption: str) -> str:
    """Lines over the unit square with a caption."""
    if not lines:
        return f'<p class="quiet">{text(caption)} Not defined for this data.</p>'
    drawn = lines_svg(lines, *titles)
    return f"<figure>{drawn}<figcaption>{text(caption)}</figcaption></figure>"
