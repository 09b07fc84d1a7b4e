"""Every JSON that is read from outside, damaged in every way: read, or refused in a sentence."""

import json
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.main import main
from cli.measure import detectors, models
from core.detection.calibration import DetectorCalibration
from core.detection.detectors.ensemble import Fusion
from core.detection.detectors.mien_face import Description
from core.detection.files import load_box_geometry, read_json
from core.detection.terms import detector_terms
from core.errors import MienError
from core.expression.conformal import load_conformal
from core.expression.model_card import load_card
from core.expression.quality import load_quality_model
from core.measures.detection.photos import load_photos
from core.pictures.alignment import load_template
from db.audit.chain import ChainHead
from db.audit.head import HEAD_FILE, HeadFile
from services.batch.folder import open_batch
from tests.helpers.pictures import colourful, encode
from tests.paths import ROOT
from tests.services.batch.stubs import JOB, names

MODEL, DETECTOR = "mien-fast", "mien-face"
DEEP = b"[" * 100_000
# Whole values that no writer of ours writes, in the place of one that was there.
ODD = [None, True, -1, 0, 1e400, 10**40, "", "\ud800", "x" * 5000, [], {}, [[]], {"a": {}}]
# Texts that are no JSON, or none that ends.
NONSENSE = [
    b"",
    b"null",
    b"[]",
    b"{",
    b"\xff\xfe",
    b"NaN",
    DEEP,
    b'{"a":' + DEEP,
]
Read = Callable[[Path], object]


def _audit_head(folder: Path) -> None:
    assert HeadFile(folder, b"k" * 32).read() in (None, ChainHead(3, "ab", 3, 1))


def _batch(folder: Path) -> None:
    open_batch(folder / "batch", "source", JOB, names(20)).close()


def _boxes(folder: Path) -> None:
    """The column of boxes in a table for `mien detect-eval` is JSON, too."""
    write_boxes(folder, (folder / "boxes.json").read_bytes())
    load_photos(folder / "t.csv")


def write_boxes(folder: Path, text: bytes) -> None:
    cell = text.replace(b'"', b'""')
    (folder / "t.csv").write_bytes(b'path,boxes_xyxy\np.png,"' + cell + b'"\n')


def _rows(folder: Path) -> None:
    """What `mien models` shows of a model; both forms are made of all cells."""
    models.markdown([models._whole_row(MODEL, folder, folder / "studies")])


READERS: dict[str, Read] = {
    f"{MODEL}/card.json": lambda folder: load_card(MODEL, folder),
    f"{MODEL}/quality.json": lambda folder: load_quality_model(MODEL, folder),
    f"{MODEL}/conformal.json": lambda folder: load_conformal(MODEL, folder),
    f"{MODEL}/evaluation.json": _rows,
    "studies/speed.json": _rows,
    f"studies/robustness_{MODEL}.json": _rows,
    f"{DETECTOR}/evaluation.json": detectors.rows_of,
    "haar/calibration.json": lambda folder: read_json(
        folder / "haar", "calibration.json", DetectorCalibration
    ),
    f"{DETECTOR}/geometry.json": lambda folder: load_box_geometry(folder / DETECTOR),
    f"{DETECTOR}/detector.json": lambda folder: read_json(
        folder / DETECTOR, "detector.json", Description
    ),
    "ensemble/fusion.json": lambda folder: (
        read_json(folder / "ensemble", "fusion.json", Fusion),
        detector_terms("ensemble", folder),
    ),
    "landmarks68/fer2013_template.json": load_template,
    "batch/_manifest.json": _batch,
    "boxes.json": _boxes,
    str(HEAD_FILE): _audit_head,
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which each of `READERS` finds its file."""
    folder = tmp_path_factory.mktemp("whole")
    for file in (ROOT / "models").rglob("*.json"):
        if file.parent.name in (MODEL, DETECTOR, "ensemble", "haar", "studies", "landmarks68"):
            place = folder / file.relative_to(ROOT / "models")
            place.parent.mkdir(exist_ok=True)
            shutil.copyfile(file, place)
    (folder / "boxes.json").write_text("[[1, 2, 30, 40.5], [5, 5, 60, 60]]")
    (folder / "p.png").write_bytes(encode(colourful(seed=1), "PNG"))
    HeadFile(folder, b"k" * 32).write(ChainHead(3, "ab", 3, 1))
    _batch(folder)
    return folder


def places(value: object) -> Iterator[tuple[object, object]]:
    """Container and key of everything within."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)  # type: ignore[arg-type]
    for key, one in inside:
        yield value, key
        if isinstance(one, dict | list):
            yield from places(one)


def bent(data: bytes, rng: random.Random) -> bytes:
    """Broken as bytes, or whole JSON in which one value is another or is missing."""
    way = rng.randrange(6)
    if way == 0:
        return rng.choice(NONSENSE)
    if way == 1:
        return data[: rng.randrange(len(data))]
    if way == 2:
        changed = bytearray(data)
        for _ in range(rng.randrange(1, 8)):
            changed[rng.randrange(len(data))] = rng.randrange(256)
        return bytes(changed)
    content = json.loads(data)
    container, key = rng.choice(list(places(content))[:3000])
    if way == 3:
        del container[key]  # type: ignore[attr-defined]
    else:
        container[key] = rng.choice(ODD)  # type: ignore[index]
    return json.dumps(content).encode()


@pytest.mark.parametrize("n", [300, pytest.param(5000, marks=pytest.mark.slow)])
def test_bent_json_is_read_or_refused_in_a_sentence(whole: Path, n: int) -> None:
    rng, n_refused = random.Random(n), 0
    for number in range(n):
        name = list(READERS)[number % len(READERS)]
        file = whole / name
        good = file.read_bytes()
        READERS[name](whole)
        file.write_bytes(bent(good, rng))
        try:
            READERS[name](whole)
        except MienError as refusal:
            assert str(refusal).endswith(".")  # noqa: PT017 - one of two good outcomes
            n_refused += 1
        except BaseException as exc:
            exc.add_note(f"number {number}, {name}: {file.read_bytes()[:300]!r}")
            raise
        finally:
            file.write_bytes(good)
    assert n_refused > n / 4


@pytest.mark.parametrize("text", NONSENSE, ids=range(len(NONSENSE)))
@pytest.mark.parametrize(
    ("name", "command"),
    [
        (f"{MODEL}/evaluation.json", ["models"]),
        (f"{DETECTOR}/evaluation.json", ["detectors"]),
        ("boxes.json", ["detect-eval", "--data", "t.csv"]),
    ],
)
def test_damaged_json_ends_a_command_with_a_sentence_and_2(
    whole: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    command: list[str],
    text: bytes,
) -> None:
    if name == "boxes.json" and text == b"[]":
        return  # a photo without faces
    file = whole / name
    good = file.read_bytes()
    monkeypatch.chdir(whole)
    monkeypatch.setattr(sys, "argv", ["mien", *command])
    if name == "boxes.json":
        write_boxes(whole, text)
    else:
        monkeypatch.setenv("MIEN_MODELS_DIR", str(whole))
        file.write_bytes(text)
    try:
        with pytest.raises(SystemExit) as ended:
            main()
    finally:
        file.write_bytes(good)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("mien: ")
