"""Writes docs/settings.md from the Settings class: `make settings`."""

import types
import typing
from pathlib import Path
from typing import Any, Final

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from core.config import ENV_PREFIX, ROOT, SECRETS_DIR_VARIABLE, Settings

PAGE: Final = ROOT / "docs" / "settings.md"
HEAD: Final = Path(__file__).with_name("settings.head.md")


def settings_page() -> str:
    """The text of docs/settings.md."""
    rows = [_row(name, field) for name, field in Settings.model_fields.items()]
    head = HEAD.read_text("utf-8").replace("{SECRETS_DIR_VARIABLE}", SECRETS_DIR_VARIABLE)
    return head + "\n".join(rows) + "\n"


def _row(name: str, field: FieldInfo) -> str:
    words = (field.description or "").replace("|", "\\|")
    return f"| `{ENV_PREFIX}{name.upper()}` | {_kind(field)} | {_default(field)} | {words} |"


def _kind(field: FieldInfo) -> str:
    bounds = _bounds(field)
    return _type_words(field.annotation) + (f", {bounds}" if bounds else "")


def _type_words(annotation: Any) -> str:
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return _type_words(next(part for part in inner if part is not types.NoneType))
    if origin is typing.Literal:
        return " or ".join(f"`{value}`" for value in inner)
    if origin is tuple:
        return "list, by commas"
    names = {int: "number", float: "number", str: "text", Path: "path", SecretStr: "secret"}
    return names.get(annotation, "yes or no" if annotation is bool else str(annotation))


def _bounds(field: FieldInfo) -> str:
    least = next((part.ge for part in field.metadata if hasattr(part, "ge")), None)
    most = next((part.le for part in field.metadata if hasattr(part, "le")), None)
    if least is not None and most is not None:
        return f"{least} to {most}"
    return f"from {least}" if least is not None else ""


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is None or value == () or value == "":
        return "–"
    if isinstance(value, Path):
        return f"`{value.relative_to(ROOT)}/` beside the program"
    return f"`{value}`"


if __name__ == "__main__":
    PAGE.write_text(settings_page(), encoding="utf-8")
