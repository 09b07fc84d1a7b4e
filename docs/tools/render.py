"""Templates to Markdown: figures come from measured files, and each says which.

In a template, `{{ number('models/x/evaluation.json', 'all.accuracy', '.1%') }}` writes the
figure and leaves a mark; the marks of a paragraph are gathered at its end as links to the table
of sources, which `{{ sources() }}` writes.
"""

import re
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from core.emotions import EMOTIONS, noun
from core.expression.model_card import ModelCard
from core.measures.corruptions import mean_accuracy
from docs.tools.figures.make import figure_data
from docs.tools.measured import ROOT, Measured, NotMeasuredError, constant, shown, total
from training.data.sets import SETS
from training.recipes.base import Recipe
from training.recipes.catalogue import load_recipe

LITERATURE: Final = "docs/report/literature.toml"
LAWS: Final = "db/policy/legal_dates.toml"
_MARK: Final = re.compile(r"\x02(\d+)\x03")
_SOURCES: Final = "\x02sources\x03"


class Page:
    """One document while it is rendered: what templates call, over one set of files."""

    def __init__(self, measured: Measured, template: Path, figures_folder: str) -> None:
        """`figures_folder` is where the document finds figures, relative to itself."""
        self.measured = measured
        self._folder = figures_folder
        self._n_figures = 0
        self._environment = Environment(
            loader=FileSystemLoader([template.parent, ROOT / "docs"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,  # an included chapter ends with its line
            autoescape=False,  # Markdown, from our own files
        )
        self._environment.globals.update(self._functions())
        self._environment.filters.update(FILTERS)
        self.text = self._environment.get_template(template.name).render()

    def number(self, path: str, key: str, spec: str = ",") -> str:
        """A figure of a measured file, or the sentence that it is not measured yet."""
        value = self.measured.value(path, key)
        if value is None:
            return self.not_measured(self.measured.command(path))
        return shown(value, spec) + self._mark(path)

    def computed(self, value: float, spec: str, *paths: str) -> str:
        """A figure worked out in the template from files, which it names."""
        return shown(value, spec) + self._mark(*paths)

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
        try:
            figure_data(name, self.measured)
        except NotMeasuredError as exc:
            return f"{caption}: {self.not_measured(exc.command)}."
        marks = self._mark(*self.measured.needed)
        self._n_figures += 1
        picture = f"![{caption}]({self._folder}/{name}.svg)"
        return f"{picture}\n\n*Figure {self._n_figures}. {caption}.*{marks}"

    def table(self, name: str, *arguments: Any) -> str:
        """A table of docs/templates/tables.md, with its sources, or the sentence in its place."""
        try:
            lines = self.bare_table(name, *arguments)
        except NotMeasuredError as exc:
            return f"*Not measured yet: run `{exc.command}`.*"
        return f"{lines}\n\n*Source:*{self._mark(*self.measured.needed)}"

    def bare_table(self, name: str, *arguments: Any) -> str:
        """A table without its sources."""
        self.measured.needed.clear()
        tables = self._environment.get_template("templates/tables.md").module
        return str(getattr(tables, name)(*arguments)).strip()

    def sources(self) -> str:
        """Where the table of sources goes; written when all marks are known."""
        return _SOURCES

    def _mark(self, *paths: str) -> str:
        return "".join(f"\x02{self.measured.note(path)}\x03" for path in dict.fromkeys(paths))

    def _functions(self) -> dict[str, Any]:
        measured = self.measured
        return {name: getattr(self, name) for name in vars(Page) if not name.startswith("_")} | {
            "have": measured.have,
            "load": measured.load,
            "need": measured.need,
            "total": total,
            "recipes_to": recipes_to,
            "model": measured.default_model,
            "evaluation": f"models/{measured.default_model}/evaluation.json",
            "models": measured.expression_models(),
            "all_models": measured.all_expression_models(),
            "all_detectors": measured.detectors(),
            "cards": [
                ModelCard.model_validate(card)
                for name in measured.all_expression_models()
                if (card := measured.load(f"models/{name}/card.json"))
            ],
            "SETS": SETS,
            "EMOTIONS": EMOTIONS,
        }


def recipes_to(name: str) -> list[Recipe]:
    """The recipe, after those whose weights it began from."""
    recipe = load_recipe(name)
    return [*(recipes_to(recipe.start_from) if recipe.start_from else []), recipe]


def setting(value: Any) -> str:
    """A recipe's choice in words."""
    if isinstance(value, dict):
        return "; ".join(f"{name} {setting(part)}" for name, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def interval(pair: tuple[float, float], digits: int = 1) -> str:
    """Two shares as per cent."""
    return " – ".join(f"{100 * share:.{digits}f}" for share in pair)


def by_first_number(counts: dict[str, int]) -> list[tuple[str, int]]:
    """Age bins by age, other groups by name."""
    return sorted(
        counts.items(), key=lambda item: (int((re.findall(r"^\d+", item[0]) or [0])[0]), item)
    )


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "show": shown,
    "interval": interval,
    "signed": lambda pair: " to ".join(shown(change, "pp") for change in pair),
    "p_value": lambda p: shown(p, ".3f") if p is None or p >= 0.001 else "< 0.001",
    "by_first_number": by_first_number,
    "setting": setting,
    "noun": noun,
    "mean_accuracy": mean_accuracy,
    "median": statistics.median,
    "code": "`{}`".format,
}


def render(template: Path, figures_folder: str, root: Path = ROOT) -> str:
    """A template as Markdown, with marks gathered and sources written; see `filled`."""
    text, measured = filled(template, figures_folder, root)
    text = gather_marks(text).replace(_SOURCES, "\n".join(source_lines(measured)))
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def filled(template: Path, figures_folder: str, root: Path = ROOT) -> tuple[str, Measured]:
    """A template as Markdown in which marks still stand where figures are.

    It may include other files of docs/; figures are found in `figures_folder`, relative to the
    result.

    Raises:
        UnknownFigureError: if a file is there but lacks a figure that the template names.
        jinja2.UndefinedError: if the template names something that does not exist.
    """
    page = Page(Measured(root), template, figures_folder)
    return page.text, page.measured


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
    for number, (path, made) in enumerate(measured.sources.items(), 1):
        shown_command = f"`{made}`" if made.split()[0] in ("mien", "make", "python") else made
        lines.append(f'| <a id="source-{number}"></a>{number} | `{path}` | {shown_command} |')
    return lines
