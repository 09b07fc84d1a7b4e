import numpy as np
import pytest

from core.landmarks.mirror import mirror_index
from core.landmarks.schemes import (
    FIVE,
    IBUG,
    IBUG_FROM_MESH,
    IBUG_REGIONS,
    MESH,
    N_POINTS,
    convert,
    mesh_to_ibug,
    to_five,
)
from core.types import Landmarks


def test_the_table_names_68_places_once_each() -> None:
    assert len(IBUG_FROM_MESH) == len(set(IBUG_FROM_MESH)) == 68
    assert sorted(i for part in IBUG_REGIONS.values() for i in part) == list(range(68))


def test_the_table_is_symmetric() -> None:
    """A mirrored mesh read by the table is the mirrored 68 points."""
    mesh, ibug = mirror_index(MESH), mirror_index(IBUG)
    table = np.array(IBUG_FROM_MESH)
    assert mesh[table].tolist() == table[ibug].tolist()


@pytest.mark.parametrize("scheme", [MESH, IBUG, FIVE])
def test_a_mirror_of_a_mirror_is_the_picture(scheme: str) -> None:
    index = mirror_index(scheme)
    assert sorted(index) == list(range(N_POINTS[scheme]))
    assert index[index].tolist() == list(range(N_POINTS[scheme]))


def test_five_points_of_68_and_of_the_mesh_agree() -> None:
    mesh = np.random.default_rng(0).normal(size=(478, 2))
    np.testing.assert_allclose(to_five(mesh, MESH), to_five(mesh_to_ibug(mesh), IBUG))
    # Recomputed by hand: the right eye's centre is the mean of its six points.
    np.testing.assert_allclose(
        to_five(mesh, MESH)[0], mesh[[33, 160, 158, 133, 153, 144]].mean(axis=0)
    )


def test_what_holds_less_cannot_become_what_holds_more() -> None:
    five = Landmarks(np.zeros((5, 2), np.float32), FIVE)
    assert convert(five, FIVE) is five
    with pytest.raises(ValueError, match="five points cannot be converted to ibug68"):
        convert(five, IBUG)
    with pytest.raises(ValueError, match="no five points can be made of scheme 'dlib5'"):
        to_five(np.zeros((5, 2)), "dlib5")
