import threading
import time
from collections.abc import Iterator, Mapping

import pytest

from core.analyzer import Analyzer, create_analyzer
from core.config import ROOT, Settings
from services.analysis.photos import analyse_bytes
from services.observe import (
    WORK,
    Observer,
    StoppingError,
    Work,
    add_observer,
    observers,
    remove_observer,
)

ASTRONAUT = (ROOT / "samples" / "astronaut.jpg").read_bytes()


class Heard(Observer):
    def __init__(self) -> None:
        self.analysed: list[tuple[set[str], int]] = []
        self.refused: list[str] = []

    def photo_analysed(self, timings_ms: Mapping[str, float], n_faces: int) -> None:
        self.analysed.append((set(timings_ms), n_faces))

    def photo_refused(self, kind: str) -> None:
        self.refused.append(kind)


@pytest.fixture
def heard() -> Iterator[Heard]:
    observer = Heard()
    add_observer(observer)
    yield observer
    remove_observer(observer)


@pytest.fixture(scope="module")
def analyzer() -> Analyzer:
    settings = Settings()
    return create_analyzer(
        settings.models_dir,
        model_id=settings.default_model,
        detector=settings.default_detector,
        with_landmarks=False,
    )


def test_each_photo_is_told_once(heard: Heard, analyzer: Analyzer) -> None:
    analyse_bytes("a.jpg", ASTRONAUT, analyzer, Settings())
    analyse_bytes("b.jpg", b"no picture", analyzer, Settings())
    ((steps, n_faces),) = heard.analysed
    assert steps >= {"decode", "detect", "classify", "total"}
    assert n_faces == 1
    assert heard.refused == ["unsupported_format"]
    remove_observer(heard)
    analyse_bytes("c.jpg", b"", analyzer, Settings())
    assert heard.refused == ["unsupported_format"]
    assert heard not in observers()


def test_a_stop_waits_for_what_runs_and_refuses_what_comes() -> None:
    work, may_end, began = Work(), threading.Event(), threading.Event()

    def run() -> None:
        with work.one():
            began.set()
            may_end.wait(10)

    thread = threading.Thread(target=run)
    thread.start()
    assert began.wait(10)
    assert work.n_running == 1
    assert not work.stop(0.05)
    with pytest.raises(StoppingError, match="try again"), work.one():
        pass
    threading.Timer(0.2, may_end.set).start()
    started = time.monotonic()
    assert work.stop(10)
    assert time.monotonic() - started < 5
    thread.join()
    assert work.n_running == 0
    work.resume()
    with work.one():
        assert work.n_running == 1


def test_a_photo_that_comes_while_stopping_is_refused(heard: Heard, analyzer: Analyzer) -> None:
    assert WORK.stop(5)
    try:
        result = analyse_bytes("a.jpg", ASTRONAUT, analyzer, Settings())
    finally:
        WORK.resume()
    assert result.error is not None
    assert result.error.kind == "stopping"
    assert heard.refused == ["stopping"]
