"""What `mien analyze` says of a face beyond its scores, and `mien detectors`."""

import csv
import io
import json
from pathlib import Path

import pytest
from PIL import Image, ImageFilter

from core.detection import DETECTORS
from tests.cli.photos.test_analyze import ASTRONAUT, mien
from tests.paths import ROOT


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Her photo as it is, blurred, on its side, and tiny in a corner of a large one."""
    folder = tmp_path_factory.mktemp("photos")
    with Image.open(ASTRONAUT) as photo:
        photo.save(folder / "1_clear.png")
        photo.filter(ImageFilter.GaussianBlur(5)).save(folder / "2_blurred.png")
        photo.transpose(Image.Transpose.ROTATE_270).save(folder / "3_side.png")
        crowd = Image.new("RGB", (2400, 1500), (120, 120, 120))
        crowd.paste(photo.resize((80, 80), Image.Resampling.BOX), (1500, 900))
        crowd.save(folder / "4_tiny.png")
    return folder


def test_quality_turn_and_refusal_are_in_the_json(photos: Path) -> None:
    done = mien("analyze", photos, "--json", "--tiles")
    assert done.returncode == 0, done.stderr
    clear, blurred, side, tiny = (row["faces"][0] for row in json.loads(done.stdout))
    assert clear["quality"]["score"] > 0.85 > 0.8 > blurred["quality"]["score"]
    assert blurred["quality"]["flaw"] == "blurred"
    assert [face["turned_degrees"] for face in (clear, blurred, side, tiny)] == [0, 0, 90, 0]
    assert side["top"] == "happy"
    # In the photo as it was given: her face is right of the middle and above it is now its side.
    x_min, y_min, x_max, y_max = side["box"]
    assert x_min > 512 - 200
    assert 150 < y_min < y_max < 300
    assert x_max <= 512
    assert tiny["shares"] is None
    assert tiny["refused"].endswith("pixels high: too small to be judged")
    assert clear["refused"] is None


def test_a_tiny_face_is_found_without_being_asked_for(photos: Path) -> None:
    done = mien("analyze", photos / "4_tiny.png", "--json")
    assert len(json.loads(done.stdout)[0]["faces"]) == 1


def test_the_table_and_the_lines_say_the_quality(photos: Path) -> None:
    table = mien("analyze", photos / "1_clear.png", photos / "2_blurred.png", "--csv").stdout
    clear, blurred = csv.DictReader(io.StringIO(table))
    assert float(clear["quality"]) > float(blurred["quality"])
    assert (clear["flaw"], blurred["flaw"]) == ("", "blurred")
    assert ", blurred" in mien("analyze", photos / "2_blurred.png").stdout


def test_detectors_are_listed_with_their_stored_figures() -> None:
    rows = json.loads(mien("detectors", "--json").stdout)
    assert [row["name"] for row in rows] == list(DETECTORS)
    for row in rows:
        file = ROOT / "models" / row["name"] / "evaluation.json"
        stored = json.loads(file.read_text()) if file.exists() else {"ap50": None}
        assert row["ap50"] == stored["ap50"]


def test_the_ensemble_beats_its_first_member_where_neither_was_fitted() -> None:
    yunet, ensemble = (
        json.loads((ROOT / "models" / name / "evaluation.json").read_text())
        for name in ("yunet", "ensemble")
    )
    assert yunet["dataset"] == ensemble["dataset"] == "wider_val.parquet"
    assert ensemble["ap50"] > yunet["ap50"]
    assert ensemble["best_f1"] > yunet["best_f1"]
    assert ensemble["cpu_ms_per_image"] < 3 * yunet["cpu_ms_per_image"]
