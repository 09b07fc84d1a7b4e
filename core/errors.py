"""Every reason for which a user does not get what was asked for, one class a reason.

A message is one sentence that says what is wrong and what to do, fit to be shown as it stands.
It never holds a file's name or content: the caller knows them, and logs must not.
"""


class MienError(Exception):
    """Base of all errors that a user can meet; `kind` is a stable name for machines."""

    kind = "error"


class SettingsError(MienError):
    """Something that is set from outside and cannot be so."""

    kind = "settings_error"


class ImageRefusedError(MienError):
    """A file that cannot be analysed."""

    kind = "image_refused"


class EmptyFileError(ImageRefusedError):
    """Zero bytes."""

    kind = "empty_file"


class FileTooLargeError(ImageRefusedError):
    """More bytes than allowed."""

    kind = "file_too_large"


class TooManyPixelsError(ImageRefusedError):
    """More pixels than allowed, or a decompression bomb."""

    kind = "too_many_pixels"


class TooCostlyImageError(ImageRefusedError):
    """A small file whose structure would keep a decoder busy for long."""

    kind = "too_costly"


class UnsupportedFormatError(ImageRefusedError):
    """None of the formats that are read, by content, whatever the name says."""

    kind = "unsupported_format"


class DamagedImageError(ImageRefusedError):
    """Starts like an image of an allowed format but cannot be decoded to its end."""

    kind = "damaged_image"


class FileUnreadableError(ImageRefusedError):
    """The operating system does not hand the file out."""

    kind = "file_unreadable"


class InvalidImageArrayError(MienError, ValueError):
    """An array that is not RGB uint8 (height, width, 3) with at least one pixel."""

    kind = "invalid_image_array"


class ModelError(MienError):
    """A model that is missing, damaged, or not what its card says."""

    kind = "model_error"


class UnknownModelError(ModelError):
    """No model of that id is shipped."""

    kind = "unknown_model"


class UnknownDetectorError(MienError):
    """No detector of that name."""

    kind = "unknown_detector"


class DatasetError(MienError):
    """A labelled data set that cannot be read as one."""

    kind = "dataset_error"
