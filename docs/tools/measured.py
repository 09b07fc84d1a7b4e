"""Measured files behind the documents: look a figure up, and note where it came from.

A file that is not there yet is a normal case: the document then says which command makes it.
"""

import ast
import fnmatch
import json
import math
import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from core.expression.model_card import UNSHIPPED

ROOT: Final = Path(__file__).resolve().parents[2]

COMMANDS: Final = tomllib.loads(Path(__file__).with_name("commands.toml").read_text("utf-8"))
_STEP: Final = re.compile(r"([^.\[\]]+)|\[([^=\]]+)(?:=([^\]]*))?\]")


class UnknownFigureError(KeyError):
    """A file is there but holds no figure under that key."""


class NotMeasuredError(Exception):
    """A file is not there yet; `command` makes it."""

    def __init__(self, path: str, command: str) -> None:
        super().__init__(f"{path} is not there; run `{command}`")
        self.command = command


@dataclass
class Measured:
    """Files under one folder, and which of them were used so far.

    Attributes:
        root: the repository.
        sources: path -> command that makes the file, in the order of first use.
        needed: paths that `need` gave since it was cleared.
    """

    root: Path = ROOT
    sources: dict[str, str] = field(default_factory=dict)
    needed: list[str] = field(default_factory=list)
    _loaded: dict[str, Any] = field(default_factory=dict)

    def load(self, path: str) -> Any | None:
        """A JSON or TOML file's content; None where there is no such file."""
        if path not in self._loaded:
            file = self.root / path
            if not file.is_file():
                return None
            text = file.read_text("utf-8")
            self._loaded[path] = (
                tomllib.loads(text) if path.endswith(".toml") else json.loads(text)
            )
        return self._loaded[path]

    def need(self, path: str, key: str = "") -> Any:
        """What a file holds, under `key` of its first level where one is named.

        Raises:
            NotMeasuredError: if there is no such file, or nothing under that key.
        """
        content = self.load(path)
        if content is not None and key:
            content = content.get(key)
        if content is None:
            raise NotMeasuredError(path, self.command(path))
        self.needed.append(path)
        return content

    def have(self, path: str) -> bool:
        """Whether a file is there."""
        return (self.root / path).is_file()

    def value(self, path: str, key: str) -> Any:
        """What a file holds under `key`, None where the file is missing; the file is noted.

        Args:
            path: relative to the repository.
            key: steps by dots; `[2]` is a place in a list, `[name=x]` the entry whose name is x.

        Raises:
            UnknownFigureError: if the file has no such key.
        """
        content = self.load(path)
        if content is None:
            return None
        self.note(path)
        return dig(content, key, path)

    def note(self, path: str) -> int:
        """Number of the source `path`, from 1, in the order of first use."""
        if path not in self.sources:
            self.sources[path] = self.command(path)
        return list(self.sources).index(path) + 1

    def command(self, path: str) -> str:
        """The command that makes a file: the file's own word, else the table's."""
        content = self.load(path) if path.endswith((".json", ".toml")) else None
        if isinstance(content, dict) and isinstance(content.get("command"), str):
            return str(content["command"])
        for pattern, command in COMMANDS.items():
            if fnmatch.fnmatch(path, pattern):
                return self._with_recipe(command, path)
        return "in the code"

    def _with_recipe(self, command: str, path: str) -> str:
        card = self.load(f"{Path(path).parent.as_posix()}/card.json")
        recipe = card.get("recipe", {}).get("name") if isinstance(card, dict) else None
        return command.replace("RECIPE", str(recipe or "RECIPE"))

    @property
    def default_model(self) -> str:
        """Id of the model that the app starts with."""
        return str(constant(self.root / "core" / "config.py", "Settings.default_model"))

    def expression_models(self) -> list[str]:
        """Ids of the shipped models with an evaluation on FER-2013, the best first."""
        return self._best_first("*")

    def all_expression_models(self) -> list[str]:
        """As `expression_models`, and `unshipped/<id>` for those too heavy to ship."""
        return self._best_first("*", f"{UNSHIPPED}/*")

    def _best_first(self, *folders: str) -> list[str]:
        models = self.root / "models"
        found = {
            _relative(file.parent, models): report["all"]["accuracy"]
            for folder in folders
            for file in sorted(models.glob(f"{folder}/evaluation.json"))
            if "all" in (report := self.load(_relative(file, self.root)) or {})
        }
        return sorted(found, key=lambda name: (-found[name], name))

    def detectors(self) -> list[str]:
        """Names of the detectors with an evaluation, the best first."""
        found = {
            file.parent.name: report["ap50"] or 0
            for file in sorted(self.root.glob("models/*/evaluation.json"))
            if "ap50" in (report := self.load(_relative(file, self.root)) or {})
        }
        return sorted(found, key=lambda name: (-found[name], name))


def dig(content: Any, key: str, path: str = "") -> Any:
    """The value under `key`; see `Measured.value`."""
    value = content
    for step, name, wanted in _STEP.findall(key):
        try:
            if step:
                value = value[step]
            elif wanted:
                value = next(entry for entry in value if str(entry[name]) == wanted)
            else:
                value = value[int(name)]
        except (KeyError, IndexError, TypeError, StopIteration) as exc:
            raise UnknownFigureError(
                f"{path} has nothing under {key!r} (at {step or name!r})"
            ) from exc
    return value


def shown(value: float | int | str | None, spec: str = ",") -> str:
    """A figure as the documents write it: a text is left alone, None becomes a dash.

    `spec` is as for `format`, or `pp` (percentage points with their sign) or `hours` (seconds in
    hours). `shown(0.7033, ".1%")` is "70.3 %"; `shown(-0.08, "pp")` is "−8.0".
    """
    if value is None or isinstance(value, str):
        return value or "–"
    if spec == "pp":
        points = round(100 * value, 1) or 0.0  # no minus before nought
        return f"{points:+.1f}".replace("-", "−") if points else "0.0"
    if spec == "hours":
        return f"{value / 3600:.1f}"
    return format(value, spec).replace("%", "\N{NO-BREAK SPACE}%").replace("-", "−")


def total(rows: list[dict[str, float]], name: str) -> float:
    """Sum of one column, the same on every machine."""
    return math.fsum(row[name] for row in rows)


@cache
def constant(file: Path, name: str) -> Any:
    """A literal that the code defines: `MAX_DAYS`, or `Settings.max_upload_mb` of a class.

    Read from the source, so that nothing is imported; of pydantic's `Field` the default is taken.

    Raises:
        UnknownFigureError: if the file defines no such literal.
    """
    body: list[ast.stmt] = ast.parse(file.read_text("utf-8")).body
    *classes, last = name.split(".")
    for outer in classes:
        body = next(
            (node.body for node in body if isinstance(node, ast.ClassDef) and node.name == outer),
            [],
        )
    for node in body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(one, ast.Name) and one.id == last for one in targets):
            return _literal(getattr(node, "value", None), file, name)
    raise UnknownFigureError(f"{file.name} defines no {name}")


def _literal(node: ast.expr | None, file: Path, name: str) -> Any:
    if isinstance(node, ast.Call):
        node = next((word.value for word in node.keywords if word.arg == "default"), None)
    try:
        return ast.literal_eval(node) if node is not None else None
    except ValueError as exc:
        raise UnknownFigureError(f"{name} in {file.name} is not a literal") from exc


def _relative(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix()
