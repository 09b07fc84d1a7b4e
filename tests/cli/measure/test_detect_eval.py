import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.detection.boxes import sizes_px
from tests.cli.photos.test_analyze import ASTRONAUT, mien
from tests.paths import ROOT

HOPPER = ROOT / "samples" / "grace_hopper.jpg"
HEADLINE = [
    "n_faces", "ap50", "best_f1", "precision", "recall", "threshold", "ms_per_image",
]  # fmt: skip
# Read off the samples by eye.
ASTRONAUT_FACE, HOPPER_FACE = [174.0, 63.0, 271.0, 183.0], [200.0, 110.0, 335.0, 300.0]


def write(folder: Path, **columns: Any) -> Path:
    file = folder / "photos.parquet"
    pd.DataFrame(columns).to_parquet(file)
    return file


def measured(*arguments: object) -> dict[str, Any]:
    done = mien("detect-eval", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_two_columns_are_enough(tmp_path: Path) -> None:
    blank = tmp_path / "blank.png"
    Image.new("RGB", (100, 100)).save(blank)
    file = write(
        tmp_path,
        image=[path.read_bytes() for path in (ASTRONAUT, HOPPER, blank)],
        boxes_xyxy=[[ASTRONAUT_FACE], [HOPPER_FACE, [5.0, 5.0, 105.0, 105.0]], []],
    )
    result = measured("--data", file, "--detector", "yunet")
    assert set(HEADLINE) <= set(result)
    assert (result["n_images"], result["n_faces"]) == (3, 3)
    # Both faces are found before anything else; the third box holds a plain background.
    assert result["recall"] == pytest.approx(2 / 3, abs=1e-4)
    assert result["precision"] == 1
    assert result["ap50"] == pytest.approx(2 / 3, abs=1e-4)
    assert result["best_f1"] == pytest.approx(0.8, abs=1e-4)
    assert result["by_group"]["size"]["128 px and more"]["n_faces"] == 1
    assert list(result["by_group"]) == ["size"]
    assert result["shipped"]["threshold"] == 0.7


def test_flags_of_any_name_make_groups_and_invalid_boxes_do_not_count(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        image=[ASTRONAUT.read_bytes(), HOPPER.read_bytes()],
        boxes_xyxy=[[ASTRONAUT_FACE, [0.0, 300.0, 100.0, 400.0]], [HOPPER_FACE]],
        invalid=[[0, 1], [0]],
        blur=[[0, 0], [2]],
        masked=[["no", "no"], ["yes"]],
        name=["a", "b"],  # no list: no flag
    )
    result = measured("--data", file, "--detector", "yunet")
    assert (result["n_faces"], result["recall"]) == (2, 1)
    groups = result["by_group"]
    assert {name: group["n_faces"] for name, group in groups["masked"].items()} == {
        "no": 1, "yes": 1,
    }  # fmt: skip
    assert set(groups["blur"]) == {"clear", "strong"}
    assert set(groups) == {"size", "blur", "masked"}


def test_the_smallest_face_that_counts_is_a_choice_and_the_result_is_written(
    tmp_path: Path,
) -> None:
    file = write(tmp_path, image=[ASTRONAUT.read_bytes()], boxes_xyxy=[[ASTRONAUT_FACE]])
    width, height = 271 - 174, 183 - 63
    too_large = round((width * height) ** 0.5) + 1
    out = tmp_path / "evaluation.json"
    result = measured("--data", file, "--min-face", too_large, "--out", out)
    assert result["n_faces"] == 0
    assert result["ap50"] is None
    stored = json.loads(out.read_text())
    assert "--min-face" in stored["command"]
    assert str(tmp_path) not in stored["command"]
    assert set(stored["curve"]) == {"threshold", "precision", "recall"}


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"image": [b"x"]}, "no column boxes_xyxy"),
        ({"image": ["text"], "boxes_xyxy": [[]]}, "must hold encoded bytes"),
        ({"image": [b"x"], "boxes_xyxy": [[]]}, "row 1"),
        ({"image": [b"x"], "boxes_xyxy": [[[1.0, 2.0]]]}, "row 1: boxes_xyxy must be"),
        ({"image": [b"x"], "boxes_xyxy": [[[1.0, 2.0, 3.0, float("nan")]]]}, "not finite"),
    ],
)
def test_what_is_no_such_set_is_refused_in_a_sentence(
    tmp_path: Path, columns: dict[str, Any], words: str
) -> None:
    done = mien("detect-eval", "--data", write(tmp_path, **columns), "--detector", "yunet")
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_no_parquet_and_an_unknown_detector_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "x.parquet"
    other.write_bytes(b"no parquet")
    assert "cannot be read as parquet" in mien("detect-eval", "--data", other).stderr
    assert "no detector 'x'" in mien("detect-eval", "--data", other, "--detector", "x").stderr


def test_the_figures_on_wider_face_are_those_measured_elsewhere(shared_dir: Path) -> None:
    """Another program of the same protocol found AP 0.929, F1 0.933 on 896 faces."""
    data = shared_dir / "data" / "wider_val.parquet"
    result = measured("--data", data, "--detector", "yunet")
    assert result["n_faces"] == 896
    assert result["ap50"] == pytest.approx(0.929, abs=0.01)
    assert result["best_f1"] == pytest.approx(0.933, abs=0.01)
    # Every face of at least 20 px is in one group of size.
    sizes = result["by_group"]["size"]
    assert sum(group["n_faces"] for group in sizes.values()) == 896
    frame = pd.read_parquet(data)
    boxes = pd.Series([list(box) for cell in frame["boxes_xyxy"] for box in cell])
    heavy = pd.Series([value for cell in frame["occlusion"] for value in cell]) == 2
    assert ((sizes_px(np.array(boxes.tolist())) >= 20) & ~heavy.to_numpy()).sum() == 896
