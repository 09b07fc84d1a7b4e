"""Templates to Markdown: figures come from measured files, and each says which.

In a template, `{{ number('models/x/evaluation.json', 'all.accuracy', '.1%') }}` writes the
figure and leaves a mark; the marks of a paragraph are gathered at its end as links to the table
of sources, which `{{ sources() }}` writes.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from docs.tools.figures.make import FIGURES
from docs.tools.measured import ROOT, Measured, constant, shown, total
from docs.tools.tables import make as tables
from docs.tools.tables import performance as performance_tables
from docs.tools.tables import studies as study_tables
from docs.tools.tables import training as training_tables

LITERATURE: Final = "docs/report/literature.toml"
LAWS: Final = "db/policy/legal_dates.toml"
_MARK: Final = re.compile(r"\x02(\d+)\x03")
_SOURCES: Final = "\x02sources\x03"


class Page:
    """One document while it is rendered: what templates call, over one set of files."""

    def __init__(self, measured: Measured, figures_folder: str) -> None:
        """`figures_folder` is where the document finds figures, relative to itself."""
        self.measured = measured
        self._folder = figures_folder
        self._n_figures = 0

    def number(self, path: str, key: str, spec: str = ",") -> str:
        """A figure of a measured file, or the sentence that it is not measured yet."""
        value = self.measured.value(path, key)
        if value is None:
            return self.not_measured(self.measured.command(path))
        return shown(value, spec) + self._mark(path)

    def computed(self, value: float, spec: str, *paths: str) -> str:
        """A figure worked out in the template from files, which it names."""
        return shown(value, spec) + "".join(self._mark(path) for path in paths)

    def code(self, path: str, name: str, spec: str = ",", scale: float = 1) -> str:
        """A constant of the program."""
        value = constant(self.measured.root / path, name)
        return shown(value * scale if scale != 1 else value, spec) + self._mark(path)

    def published(self, entry: str, key: str = "accuracy", spec: str = ".1%") -> str:
        """A figure that others published."""
        return self.number(LITERATURE, f"entry[id={entry}].{key}", spec)

    def cite(self, entry: str) -> str:
        """Who published, as a link."""
        found = self.measured.value(LITERATURE, f"entry[id={entry}]")
        return f"[{found['who']}]({found['source']})"

    def law(self, entry: str, key: str = "from") -> str:
        """A field of a law's entry; dates as 2 February 2025."""
        value = self.measured.value(LAWS, f"date[id={entry}].{key}")
        text = f"{value.day} {value:%B %Y}" if hasattr(value, "day") else str(value)
        return text + self._mark(LAWS)

    def not_measured(self, command: str) -> str:
        """The sentence in place of a figure that nobody measured yet."""
        return f"*not measured yet: run `{command}`*"

    def figure(self, name: str, caption: str) -> str:
        """A picture with its caption and sources, or the sentence that it is not measured."""
        figure = FIGURES[name]
        if figure.data(self.measured) is None:
            missing = next(p for p in figure.paths(self.measured) if not self.measured.have(p))
            return f"{caption}: {self.not_measured(self.measured.command(missing))}."
        self._n_figures += 1
        marks = "".join(self._mark(path) for path in figure.paths(self.measured))
        picture = f"![{caption}]({self._folder}/{name}.svg)"
        return f"{picture}\n\n*Figure {self._n_figures}. {caption}.*{marks}"

    def table(self, name: str, *arguments: Any) -> str:
        """A table of `docs.tools.tables.make`, with its sources, or the sentence in its place."""
        rooms = (tables, study_tables, training_tables, performance_tables)
        make = next(getattr(room, name) for room in rooms if hasattr(room, name))
        lines, paths, command = make(self.measured, *arguments)
        if not lines:
            return f"*Not measured yet: run `{command}`.*"
        marks = "".join(self._mark(path) for path in paths)
        return "\n".join(lines) + f"\n\n*Source:*{marks}"

    def sources(self) -> str:
        """Where the table of sources goes; written when all marks are known."""
        return _SOURCES

    def _mark(self, path: str) -> str:
        return f"\x02{self.measured.note(path)}\x03"

    def functions(self) -> dict[str, Callable[..., Any]]:
        """What templates call, by name."""
        names = ("number", "computed", "code", "published", "cite", "law", "not_measured",
                 "figure", "table", "sources")  # fmt: skip
        mine = {name: getattr(self, name) for name in names}
        return mine | {
            "have": self.measured.have,
            "load": self.measured.load,
            "total": total,
            "model": self.measured.default_model,
            "models": self.measured.expression_models(),
            "detectors": self.measured.detectors(),
        }


def render(template: Path, figures_folder: str, root: Path = ROOT) -> str:
    """A template as Markdown, with marks gathered and sources written; see `filled`."""
    text, measured = filled(template, figures_folder, root)
    text = gather_marks(text).replace(_SOURCES, "\n".join(source_lines(measured)))
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def filled(template: Path, figures_folder: str, root: Path = ROOT) -> tuple[str, Measured]:
    """A template as Markdown in which marks still stand where figures are.

    Args:
        template: a Markdown file with placeholders; it may include others from docs/.
        figures_folder: where the result finds figures, relative to itself.
        root: the repository whose files are read.

    Raises:
        UnknownFigureError: if a file is there but lacks a figure that the template names.
        jinja2.UndefinedError: if the template names something that does not exist.
    """
    page = Page(Measured(root), figures_folder)
    environment = Environment(
        loader=FileSystemLoader([template.parent, ROOT / "docs"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,  # an included chapter ends with its line
        autoescape=False,  # Markdown, from our own files
    )
    environment.globals.update(page.functions())
    return environment.get_template(template.name).render(), page.measured


def take_marks(text: str) -> tuple[str, list[int]]:
    """A text without its marks, and their numbers, each once."""
    return _MARK.sub("", text), list(dict.fromkeys(int(found) for found in _MARK.findall(text)))


def gather_marks(text: str) -> str:
    """Move the marks of each paragraph, item or row to its end, each once, as links."""
    blocks = re.split(r"(\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )|\n(?=[|#]))", text)
    return "".join(_gathered(block) for block in blocks)


def _gathered(block: str) -> str:
    plain, numbers = take_marks(block)
    if not numbers:
        return block
    links = ", ".join(f"[{number}](#source-{number})" for number in numbers)
    plain = plain.rstrip()
    bar = " |" if plain.endswith("|") else ""
    return f"{plain.removesuffix('|').rstrip()} <sup>{links}</sup>{bar}"


def source_lines(measured: Measured) -> list[str]:
    """Rows of the table of sources."""
    lines = ["| | file | made by |", "|---|---|---|"]
    for number, source in enumerate(measured.sources.values(), 1):
        made = source.command
        shown_command = f"`{made}`" if made.split()[0] in ("mien", "make", "python") else made
        lines.append(
            f'| <a id="source-{number}"></a>{number} | `{source.path}` | {shown_command} |'
        )
    return lines
