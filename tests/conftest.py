import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.paths import ROOT


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--run-slow", action="store_true", help="also run the tests marked slow (minutes)"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--run-slow"):
        return
    skip = pytest.mark.skip(reason="slow: only with --run-slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """The shipped models."""
    return ROOT / "models"


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The workbench with the data sets; a fresh clone has none, and its tests skip."""
    folder = Path(os.environ.get("MIEN_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip("no ../shared here (set MIEN_SHARED to its folder)")
    return folder


@pytest.fixture(scope="session")
def astronaut() -> NDArray[np.uint8]:
    """Eileen Collins (NASA, public domain), 512 x 512, one smiling face; read-only."""
    return _sample("astronaut.jpg")


@pytest.fixture(scope="session")
def grace_hopper() -> NDArray[np.uint8]:
    """Grace Hopper (US Navy, public domain), one face; read-only."""
    return _sample("grace_hopper.jpg")


def _sample(name: str) -> NDArray[np.uint8]:
    import cv2

    file = ROOT / "samples" / name
    if not file.exists():
        pytest.skip(f"samples/{name} is not there")
    image = np.asarray(cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB), np.uint8)
    image.setflags(write=False)
    return image
