"""What the Ethics & Privacy page says, from texts.toml."""

import tomllib
from pathlib import Path
from typing import Final

from pydantic import BaseModel


class Claim(BaseModel):
    """One finding and where it is from."""

    text: str
    source: str
    url: str


class Use(BaseModel):
    """A field in which somebody may want to use it, and what law and product say of it."""

    title: str
    icon: str
    verdict: str
    could: tuple[str, ...]
    law: str
    law_ids: tuple[str, ...]
    product: str


class Texts(BaseModel):
    """All of it: what it cannot tell, and why; its limits and others' bias; uses."""

    cannot_tell: tuple[tuple[str, str], ...]
    limits: tuple[Claim, ...]
    others_bias: tuple[Claim, ...]
    uses: tuple[Use, ...]


TEXTS: Final = Texts.model_validate(
    tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
)
