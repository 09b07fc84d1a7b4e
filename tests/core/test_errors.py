import inspect

from core import errors
from core.errors import ImageRefusedError, MienError


def ours() -> list[type[MienError]]:
    classes = inspect.getmembers(errors, inspect.isclass)
    return [one for _, one in classes if one.__module__ == errors.__name__]


def test_every_error_is_ours_and_says_in_words_what_it_means() -> None:
    for error in ours():
        assert issubclass(error, MienError)
        assert error.__doc__


def test_machines_can_tell_all_errors_apart() -> None:
    kinds = [error.kind for error in ours()]
    assert len(set(kinds)) == len(kinds)
    assert all(kind.isidentifier() and kind.islower() for kind in kinds)


def test_a_refused_image_is_one_of_seven_kinds() -> None:
    kinds = {error.kind for error in ImageRefusedError.__subclasses__()}
    assert kinds == {
        "empty_file",
        "file_too_large",
        "too_costly",
        "too_many_pixels",
        "unsupported_format",
        "damaged_image",
        "file_unreadable",
    }
