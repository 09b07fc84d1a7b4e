import csv
import io
import json
import os
import shutil
import subprocess
import sys
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from core.emotions import EMOTIONS
from tests.helpers.bad_images import refused_files
from tests.helpers.heic import heic
from tests.helpers.pictures import colourful
from tests.paths import ROOT

ASTRONAUT = ROOT / "samples" / "astronaut.jpg"


def mien(*arguments: str | Path, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    """Run the console script as a user does."""
    script = Path(sys.executable).parent / "mien"
    return subprocess.run(
        [str(script), *map(str, arguments)], capture_output=True, text=True, timeout=timeout_s
    )


@pytest.fixture(scope="module")
def astronaut_json() -> list[dict[str, Any]]:
    done = mien("analyze", ASTRONAUT, "--json")
    assert done.returncode == 0, done.stderr
    parsed: list[dict[str, Any]] = json.loads(done.stdout)
    return parsed


def test_a_photo_gives_one_object_with_all_that_is_promised(
    astronaut_json: list[dict[str, Any]],
) -> None:
    (photo,) = astronaut_json
    assert {
        "file", "width", "height", "faces", "model", "detector", "timings_ms", "error",
    } <= set(photo)  # fmt: skip
    assert (photo["width"], photo["height"], photo["error"]) == (512, 512, None)
    (face,) = photo["faces"]
    assert list(face["shares"]) == list(EMOTIONS)
    assert sum(face["shares"].values()) == pytest.approx(1, abs=1e-3)
    assert face["top"] == max(face["shares"], key=face["shares"].get)
    assert face["labels"][0] == face["top"]
    assert face["uncertain"] == (len(face["labels"]) > 1)


def test_the_smiling_astronaut_resembles_happiness(astronaut_json: list[dict[str, Any]]) -> None:
    (face,) = astronaut_json[0]["faces"]
    assert face["top"] == "happy"
    assert not face["uncertain"]
    x_min, y_min, x_max, y_max = face["box"]
    # Her eyes, nose and mouth, read off the picture.
    for x, y in ((209, 107), (246, 107), (227, 128), (225, 148)):
        assert x_min < x < x_max
        assert y_min < y < y_max


def test_bad_files_are_refused_and_the_others_still_done(tmp_path: Path) -> None:
    names = ["empty.jpg", "photo.jpg"]
    (tmp_path / "empty.jpg").write_bytes(b"")
    shutil.copy(ASTRONAUT, tmp_path / "photo.jpg")
    done = mien("analyze", *[tmp_path / name for name in names], tmp_path / "gone.jpg", "--json")
    assert done.returncode == 1
    empty, photo, gone = json.loads(done.stdout)
    assert empty["error"]["kind"] == "empty_file"
    assert gone["error"]["kind"] == "file_unreadable"
    assert photo["error"] is None
    assert len(photo["faces"]) == 1
    assert "Traceback" not in done.stderr


def test_every_bad_file_gets_its_sentence(tmp_path: Path) -> None:
    refused = refused_files()
    for number, bad in enumerate(refused.values()):
        (tmp_path / f"{number:03d}.jpg").write_bytes(bad.data)
    done = mien("analyze", tmp_path, "--json")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    rows = json.loads(done.stdout)
    assert [row["error"]["kind"] for row in rows] == [bad.error.kind for bad in refused.values()]
    assert all(row["error"]["message"].endswith(".") for row in rows)


def test_a_folder_is_taken_in_name_order_and_csv_has_a_row_a_face(tmp_path: Path) -> None:
    for name in ("b.jpg", "a.JPG", "notes.txt"):
        shutil.copy(ASTRONAUT, tmp_path / name)
    out = tmp_path / "faces.csv"
    done = mien("analyze", tmp_path, "--csv", "--out", out)
    assert (done.returncode, done.stdout) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert [Path(row["file"]).name for row in rows] == ["a.JPG", "b.jpg"]
    assert all(float(row["happy"]) > 0.5 for row in rows)


def test_each_shipped_model_and_each_detector_can_be_chosen() -> None:
    models = json.loads(mien("models", "--json").stdout)
    shipped = [row for row in models if row["shipped"]]
    assert shipped
    for row in models:
        if row not in shipped:
            refused = mien("analyze", ASTRONAUT, "--model", row["id"])
            assert refused.returncode == 2
            assert f"There is no model '{row['id']}'; shipped are: " in refused.stderr
    for row, detector in zip(shipped, cycle(("yunet", "blazeface")), strict=False):
        chosen = ("--model", row["id"], "--detector", detector)
        (photo,) = json.loads(mien("analyze", ASTRONAUT, "--json", *chosen).stdout)
        assert (photo["model"], photo["detector"]) == (row["id"], detector)
        assert photo["faces"][0]["top"] == "happy"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Missing argument"),
        ([ASTRONAUT, "--json", "--csv"], "not both"),
        ([ASTRONAUT, "--model", "nonsense"], "mien-labels"),
        ([ASTRONAUT, "--detector", "nonsense"], "yunet"),
        ([ASTRONAUT, "--out", "/nowhere/at/all.json"], "cannot be"),
        (["tests/helpers"], "holds no"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_to_do(
    arguments: list[str | Path], words: str
) -> None:
    done = mien("analyze", *arguments)
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_people_read_what_it_resembles_and_not_what_it_is() -> None:
    done = mien("analyze", ASTRONAUT)
    assert done.returncode == 0
    assert "would say happy" in done.stdout
    assert "is happy" not in done.stdout


def test_photos_and_clips_share_one_array(tmp_path: Path) -> None:
    from cli.bench_material import write_clip

    clip = tmp_path / "walk.mp4"
    write_clip(clip)
    done = mien("analyze", ASTRONAUT, clip, "--json")
    assert done.returncode == 0, done.stderr
    assert [Path(row["file"]).name for row in json.loads(done.stdout)] == [
        "astronaut.jpg",
        "walk.mp4",
    ]
    assert mien("analyze", ASTRONAUT, clip, "--csv").returncode == 2


def test_odd_names_devices_and_other_files_end_no_run(tmp_path: Path) -> None:
    folder = tmp_path / "album"
    (folder / "album.jpg").mkdir(parents=True)
    shutil.copy(ASTRONAUT, folder / "写真.JPG")
    shutil.copy(ASTRONAUT, os.fsencode(folder) + b"/Zo\xeb.jfif")
    (folder / "phone.heic").write_bytes(heic(colourful(80, 120)))
    (folder / "scan.tif").touch()
    os.mkfifo(folder / "pipe.jpg")
    done = mien("analyze", folder, "--json", "--out", tmp_path / "x.json")
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    names = [Path(row["file"]).name for row in rows]
    assert names == [r"Zo\xeb.jfif", "phone.heic", "写真.JPG"]
    assert all(row["error"] is None for row in rows)
    assert "mien: Passed over: 1 pipe or device, 1 TIFF file." in done.stderr


def test_a_screen_without_the_letters_shows_them_escaped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    (tmp_path / "写真.jpg").touch()
    done = mien("analyze", tmp_path / "写真.jpg", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)[0]["file"] == str(tmp_path / "写真.jpg")


def test_a_place_that_cannot_be_written_is_said_before_the_work(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "gone" / "x.json"):
        done = mien("analyze", ASTRONAUT, "--json", "--out", place)
        assert done.returncode == 2
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) == 1
        assert "cannot be written" in done.stderr


def test_a_wrong_setting_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_MAX_CLIP_SECONDS", "7200")
    done = mien("analyze", ASTRONAUT)
    assert done.returncode == 2
    assert done.stderr == (
        "mien: MIEN_MAX_CLIP_SECONDS is '7200'; it must be a whole number from 1 to 3600.\n"
    )


def test_a_name_that_is_too_long_is_refused_and_the_others_are_done(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")  # to open it would wait for good
    done = mien("analyze", "x" * 300 + ".jpg", str(tmp_path / "pipe.mp4"), ASTRONAUT, "--json")
    assert done.returncode == 1
    assert [row["error"] is None for row in json.loads(done.stdout)] == [False, True, False]


def test_a_video_of_a_kind_that_is_not_read_is_told_which_are(tmp_path: Path) -> None:
    (tmp_path / "clip.flv").write_bytes(b"FLV\x01" + bytes(500))
    done = mien("analyze", tmp_path / "clip.flv")
    assert done.returncode == 1
    assert "This is no MP4, MOV" in done.stdout


@pytest.mark.parametrize("words", [["--out", "a.jpg", "b.jpg"], ["c.csv", "--out", "c.csv"]])
def test_a_result_never_takes_the_place_of_a_photo_or_of_what_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """`--csv --out *.jpg` was the end of the first photo."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "b.jpg", "c.csv"):
        shutil.copy(ASTRONAUT, name)
    done = mien("analyze", "--csv", *words)
    assert done.returncode == 2
    assert "is not overwritten" in done.stderr
    assert all(path.read_bytes() == ASTRONAUT.read_bytes() for path in tmp_path.iterdir())


def test_a_zip_is_told_where_to_go(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04" + bytes(50))
    done = mien("analyze", tmp_path / "x.zip")
    assert done.returncode == 1
    assert "picture but a ZIP; please unpack it" in done.stdout
