import json
from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from core.emotions import EMOTIONS
from core.measures.curves import load_predictions
from tests.cli.photos.test_analyze import ASTRONAUT, mien
from tests.paths import ROOT

HOPPER = ROOT / "samples" / "grace_hopper.jpg"
KEYS = {
    "n", "undetected", "accuracy", "balanced_accuracy", "macro_f1", "ece", "per_class",
    "confusion", "by_group",
}  # fmt: skip


def top_label(photo: Path) -> str:
    (row,) = json.loads(mien("analyze", photo, "--json").stdout)
    top: str = row["faces"][0]["top"]
    return top


@pytest.fixture
def photos_csv(tmp_path: Path) -> Path:
    """Four photos of known verdict, labelled right, right, wrong; and one without a face."""
    blank = tmp_path / "blank.png"
    from PIL import Image

    Image.new("RGB", (200, 200), (128, 128, 128)).save(blank)
    hopper = top_label(HOPPER)
    wrong = next(name for name in EMOTIONS if name not in (hopper, "happy"))
    frame = pd.DataFrame(
        {
            "path": [ASTRONAUT, HOPPER, HOPPER, blank],
            "label": ["happy", hopper, wrong, "sad"],
            "place": ["space", "sea", "sea", "nowhere"],
        }
    )
    file = tmp_path / "photos.csv"
    frame.to_csv(file, index=False)
    return file


def test_detect_counts_the_undetected_and_measures_the_rest(photos_csv: Path) -> None:
    done = mien(
        "evaluate", "--data", photos_csv, "--faces", "detect", "--group-by", "place", "--json"
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert set(result) >= KEYS
    assert (result["n"], result["undetected"]) == (4, 1)
    true = pd.read_csv(photos_csv)["label"][:3].tolist()
    predicted = ["happy", true[1], true[1]]
    assert result["accuracy"] == pytest.approx(accuracy_score(true, predicted))
    assert result["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(true, predicted))
    occurring = sorted(set(true))
    f1 = f1_score(true, predicted, labels=occurring, average="macro", zero_division=0)
    assert result["macro_f1"] == pytest.approx(f1)
    assert sum(map(sum, result["confusion"])) == 3
    groups = result["by_group"]["place"]
    assert {name: group["n"] for name, group in groups.items()} == {
        "nowhere": 1, "sea": 2, "space": 1,
    }  # fmt: skip
    assert groups["sea"]["accuracy"] == pytest.approx(0.5)
    assert groups["nowhere"]["undetected"] == 1
    assert groups["nowhere"]["accuracy"] is None


@pytest.mark.slow
def test_the_shipped_figures_come_from_this_command(shared_dir: Path) -> None:
    data = shared_dir / "data" / "fer2013.parquet"
    labels = ("--labels", "fer2013")  # as its card says; the default is what people say
    done = mien("evaluate", "--data", data, "--split", "test", *labels, "--json", timeout_s=900)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    report = json.loads((ROOT / "models" / result["model_id"] / "evaluation.json").read_text())[
        "all"
    ]
    assert result["n"] == report["n"] == 3589
    # Other processors round the network's sums another way: one image in a thousand may move.
    assert result["accuracy"] == pytest.approx(report["accuracy"], abs=0.001)
    assert result["ece"] == pytest.approx(report["ece"], abs=0.002)


def test_the_shipped_answers_come_from_this_command(shared_dir: Path, tmp_path: Path) -> None:
    """Those to each 17th image of the split that the shipped figures count."""
    test = pd.read_parquet(
        shared_dir / "data" / "fer2013.parquet", filters=[("split", "==", "test")]
    )
    test.iloc[::17].to_parquet(tmp_path / "some.parquet")
    labels = ("--labels", "fer2013")
    done = mien(
        "evaluate", "--data", tmp_path / "some.parquet", "--split", "test", *labels, "--json"
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    shipped = load_predictions(ROOT / "models" / result["model_id"])
    assert shipped is not None
    right = shipped.right[::17]
    assert result["n"] == right.size == 212
    # Other processors round the network's sums another way: one of these may move.
    assert result["accuracy"] == pytest.approx(right.mean(), abs=1.1 / right.size)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("path,emotion\na.jpg,happy\n", "no column label"),
        (
            f"path,label\n{ASTRONAUT},bored\n",
            "has no label that is known; labels are",
        ),
        ("path,label\nmissing.jpg,happy\n", "(missing.jpg) is not where path says"),
    ],
)
def test_a_bad_table_gets_one_line_and_exit_code_2(tmp_path: Path, table: str, words: str) -> None:
    file = tmp_path / "table.csv"
    file.write_text(table)
    done = mien("evaluate", "--data", file)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_the_readme_shows_what_the_models_command_prints() -> None:
    printed = mien("models", "--markdown").stdout
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = readme.split("<!-- models:begin -->")[1].split("<!-- models:end -->")[0]
    assert shown.strip() == printed.strip()


def test_training_without_keras_says_how_to_get_it() -> None:
    import importlib.util

    if importlib.util.find_spec("keras") is not None:
        pytest.skip("Keras is installed here")
    done = mien("train", "se_resnet", "--data", "fer2013.csv")
    assert done.returncode == 2
    assert "make setup-train" in done.stderr
