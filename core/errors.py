"""Every reason for which a user does not get what was asked for, one class a reason.

A message is one sentence that says what is wrong and what to do, fit to be shown as it stands.
It never holds a file's name or content: the caller knows them, and logs must not.

Examples:
    >>> from core.pictures.images import decode_image
    >>> for data in (b"", b"%PDF-1.7"):
    ...     try:
    ...         decode_image(data)
    ...     except EmptyFileError:  # one reason
    ...         print("nothing in it")
    ...     except ImageRefusedError as refused:  # any other why a picture is not analysed
    ...         print(refused.kind)
    nothing in it
    unsupported_format
    >>> try:
    ...     raise UnknownModelError("There is no such model.")
    ... except MienError as error:  # anything that a user can meet
    ...     print(error.kind, isinstance(error, ModelError), error)
    unknown_model True There is no such model.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Final
from zipfile import BadZipFile

# What a damaged file does to whoever reads it: missing, not UTF-8, no JSON, nested by the
# thousand, of another shape.
DAMAGE: Final = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    BadZipFile,
)


class MienError(Exception):
    """Base of all errors that a user can meet; `kind` is a stable name for machines.

    It is the class's name in small letters without `Error`, unless the class says another.

    Examples:
        >>> class CameraBusyError(MienError):
        ...     "Somebody else uses the camera."
        >>> CameraBusyError.kind
        'camera_busy'
    """

    kind: ClassVar[str] = "error"

    def __init_subclass__(cls) -> None:
        if "kind" not in vars(cls):
            words = re.findall(r"[A-Z][a-z0-9]*", cls.__name__.removesuffix("Error"))
            cls.kind = "_".join(words).lower()


class SettingsError(MienError):
    """Something that is set from outside and cannot be so."""

    kind = "settings_error"


class ImageRefusedError(MienError):
    """A file that cannot be analysed."""


class EmptyFileError(ImageRefusedError):
    """Zero bytes."""


class FileTooLargeError(ImageRefusedError):
    """More bytes than allowed."""


class TooManyPixelsError(ImageRefusedError):
    """More pixels than allowed, or a decompression bomb."""


class TooCostlyImageError(ImageRefusedError):
    """A small file whose structure would keep a decoder busy for long."""

    kind = "too_costly"


class UnsupportedFormatError(ImageRefusedError):
    """None of the formats that are read, by content, whatever the name says."""


class DamagedImageError(ImageRefusedError):
    """Starts like an image of an allowed format but cannot be decoded to its end."""


class FileUnreadableError(ImageRefusedError):
    """The operating system does not hand the file out."""


class InvalidImageArrayError(MienError, ValueError):
    """An array that is not RGB uint8 (height, width, 3) with at least one pixel."""


class ModelError(MienError):
    """A model that is missing, damaged, or not what its card says."""

    kind = "model_error"


class UnknownModelError(ModelError):
    """No model of that id is shipped."""


class UnknownDetectorError(MienError):
    """No detector of that name."""


class DatasetError(MienError):
    """A labelled data set that cannot be read as one."""

    kind = "dataset_error"


@contextmanager
def damage_is(error: MienError) -> Iterator[None]:
    """Say in one sentence whatever goes wrong where a file from outside is read and taken apart.

    Examples:
        >>> with damage_is(ModelError("Figures are damaged; reinstall Mien.")):
        ...     {"accuracy": 0.7}["ece"]
        Traceback (most recent call last):
        core.errors.ModelError: Figures are damaged; reinstall Mien.
    """
    try:
        yield
    except MienError:
        raise
    except DAMAGE as exc:
        raise error from exc
