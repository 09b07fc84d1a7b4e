"""Of what size the numbers of an exported network are; imported without anything heavy."""

from enum import StrEnum


class Precision(StrEnum):
    """Of what size a published model's numbers are; those of `float16` are only stored so."""

    float = "float"
    float16 = "float16"
    int8 = "int8"

    @property
    def on_card(self) -> str:
        """As a card names it."""
        return "float32" if self is Precision.float else self.value

    @property
    def words(self) -> str:
        """As people say it."""
        return {
            Precision.float: "32-bit floats",
            Precision.float16: "16-bit floats",
            Precision.int8: "8-bit integers",
        }[self]
