"""Two heads: targets, loss, calibration, and a toy that learns what people say."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("keras", reason="needs the train extra (uv sync --extra train)")

import keras

from core.errors import DatasetError
from core.expression.classify import EmotionClassifier, softmax
from core.expression.model_card import load_card
from core.expression.quantisation import Precision
from tests.helpers.pictures import encode
from tests.training.expression.test_train import RECIPE, write_faces
from training.data.fer2013 import Faces, load_split
from training.data.framing import load_geometry
from training.data.rafdb import load_rafdb, stored_squares
from training.data.votes import Fer2013Error, vote_shares
from training.expression.calibrate import fit_people, fit_shares
from training.expression.campaign import Run, campaign
from training.expression.heads import TwoHeadLoss, drawing_weights, targets, two_head_batches
from training.expression.train import train
from training.publishing.artifacts import whole_model
from training.publishing.export import load_network
from training.publishing.publish import publish, publish_again
from training.studies.dataset_facts import rafdb_facts

pytestmark = pytest.mark.train
TWO_HEADS = replace(
    RECIPE, name="toy/2-people", start_from="toy/1-labels", people_head=True, people_power=0.3,
    photo_set="rafdb", photo_share=0.25, epochs=2, n_per_epoch=160,
)  # fmt: skip
RNG = np.random.default_rng(0)


def votes_for(labels: np.ndarray) -> list[list[int]]:
    """Ten votes a face: seven for what the label shifted by one shows, three for none of these."""
    order = (4, 5, 6, 1, 3, 2, 0)  # FER+'s index of each expression
    rows = []
    for label in labels:
        counts = [0] * 10
        counts[order[(label + 1) % 7]], counts[8] = 7, 3
        rows.append(counts)
    return rows


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """FER-2013 with a file of votes beside it, and RAF-DB: toys."""
    folder = tmp_path_factory.mktemp("sets")
    data = write_faces(folder)
    frame = pd.read_parquet(data)
    votes = frame[["split"]].assign(ferplus_votes=votes_for(frame["label"].to_numpy()))
    votes.to_parquet(folder / "faces_votes.parquet")
    rows = []
    for number in range(140):
        image = np.asarray(RNG.integers(0, 255, (100, 100, 3)), np.uint8)
        square = None if number % 9 == 0 else [10.0, 12.0, 90.0, 92.0]
        split = "test" if number % 4 == 0 else "train"
        rows.append(
            {"image": encode(image, "PNG"), "label": number % 7, "split": split,
             "square_xyxy": square}
        )  # fmt: skip
    pd.DataFrame(rows).to_parquet(folder / "photos.parquet")
    return data, folder / "photos.parquet"


def test_votes_lie_beside_the_set_in_microsofts_form_too(tmp_path: Path) -> None:
    pixels = " ".join(["7"] * 48 * 48)
    csv = pd.DataFrame({"emotion": [3, 0], "pixels": [pixels] * 2, "Usage": ["Training"] * 2})
    csv.to_csv(tmp_path / "fer2013.csv", index=False)
    assert load_split(tmp_path / "fer2013.csv", "train").votes is None
    names = [
        "neutral",
        "happiness",
        "surprise",
        "sadness",
        "anger",
        "disgust",
        "fear",
        "contempt",
        "unknown",
        "NF",
    ]
    counts = pd.DataFrame([[0, 9, 0, 0, 0, 0, 0, 1, 0, 0], [0] * 10], columns=names)
    counts.insert(0, "Usage", "Training")
    counts.to_csv(tmp_path / "fer2013new.csv", index=False)
    votes = load_split(tmp_path / "fer2013.csv", "train").votes
    assert votes is not None
    np.testing.assert_allclose(votes[0], [0, 0, 0, 0.9, 0, 0, 0, 0.1])
    assert votes[1].sum() == 0  # nobody voted
    counts.iloc[:1].to_csv(tmp_path / "fer2013new.csv", index=False)
    with pytest.raises(Fer2013Error, match=r"1 rows .* 2 images: they are not of one set"):
        load_split(tmp_path / "fer2013.csv", "train")


def test_photos_are_held_out_once_and_for_all(sets: tuple[Path, Path]) -> None:
    parts = {part: load_rafdb(sets[1], part) for part in ("train", "held_out", "test")}
    assert [len(faces) for faces in parts.values()] == [94, 11, 35]
    seen = [{image.tobytes() for image in faces.images} for faces in parts.values()]
    assert len(set.union(*seen)) == 140
    with pytest.raises(DatasetError, match=r"docs/datasets\.md"):
        load_rafdb(sets[1].with_name("nowhere.parquet"), "train")


def test_photos_are_cut_so_that_eyes_lie_where_fer2013_has_them(tmp_path: Path) -> None:
    """Not where the file's squares have them, which are wider."""
    image = np.zeros((100, 100, 3), np.uint8)
    square = np.array([10.0, 12.0, 90.0, 92.0])
    x, y = (square[:2] + 80 * np.array(load_geometry("rafdb").eyes_xy)).round().astype(int)
    image[y - 1 : y + 2, x - 1 : x + 2] = 255
    row = {"image": encode(image, "PNG"), "label": 3, "split": "test", "square_xyxy": square}
    pd.DataFrame([row]).to_parquet(tmp_path / "photos.parquet")
    (crop,) = load_rafdb(tmp_path / "photos.parquet", "test").images
    wanted = np.array(load_geometry("fer2013").eyes_xy) * len(crop)
    np.testing.assert_allclose(np.argwhere(crop > 128).mean(axis=0)[::-1] + 0.5, wanted, atol=1)
    (wide,) = stored_squares(tmp_path / "photos.parquet", "test")
    assert (wide > 128).sum() < (crop > 128).sum()


def test_photos_are_counted_and_compared_with_all_that_is_learnt_from(
    sets: tuple[Path, Path], tmp_path: Path
) -> None:
    frame = pd.read_parquet(sets[1])
    tests, trains = (frame.index[frame["split"] == split] for split in ("test", "train"))
    copied = tmp_path / "rafdb.parquet"
    frame.loc[tests[:2], "image"] = frame.loc[trains[0], "image"]
    frame.to_parquet(copied)
    facts = rafdb_facts(copied, sets[0])
    assert [part["n"] for part in facts["splits"].values()] == [94, 11, 35]
    near = facts["near_duplicates"]
    assert near["train / test"] + near["held_out / test"] > 0
    before = rafdb_facts(sets[1], sets[0])["near_duplicates"]
    assert before["train / test"] + before["held_out / test"] == 0


def test_a_head_without_a_label_learns_nothing_from_a_face() -> None:
    labels = np.array([3, 0])
    votes = vote_shares([[0, 8, 0, 0, 0, 0, 0, 2, 0, 0], None])
    faces = Faces(np.zeros((2, 48, 48), np.uint8), labels, votes)
    fer = targets(faces, labelled=True, smoothing=0.1)
    assert fer.shape == (2, 15)
    np.testing.assert_allclose(fer[0, 7:], votes[0])
    np.testing.assert_allclose(fer[:, :7].sum(axis=1), 1, rtol=1e-6)
    photos = targets(faces, labelled=False, smoothing=0.0)
    assert not photos[:, :7].any()
    logits = RNG.normal(0, 1, (2, 15)).astype(np.float32)
    said = softmax(logits[:, 7:])
    loss = keras.ops.convert_to_numpy(TwoHeadLoss().call(photos, logits))
    np.testing.assert_allclose(loss[0], -(votes[0] * np.log(said[0])).sum(), rtol=1e-5)
    assert loss[1] == 0  # neither label nor votes


def test_teachers_speak_for_their_share_of_the_label_and_not_of_the_votes() -> None:
    votes = vote_shares([[0, 8, 0, 0, 0, 0, 0, 2, 0, 0]])
    faces = Faces(np.zeros((1, 48, 48), np.uint8), np.array([3]), votes)
    said = np.array([[0.5, 0, 0, 0.5, 0, 0, 0]], np.float32)
    (taught,) = targets(faces, labelled=True, smoothing=0.4, taught=said)
    np.testing.assert_allclose(taught[:7], [0.2, 0, 0, 0.8, 0, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(taught[7:], votes[0])
    recipe = replace(TWO_HEADS, batch_size=1, n_per_epoch=1, photo_set=None, teacher_share=0.4)
    _, drawn = two_head_batches(recipe, faces, None, said)[0]
    np.testing.assert_allclose(drawn[0], taught)


def test_faces_of_rare_votes_are_drawn_more_often() -> None:
    votes = np.zeros((100, 8), np.float32)
    votes[:90, 3] = votes[90:, 1] = 1
    faces = Faces(np.zeros((100, 48, 48), np.uint8), votes.argmax(axis=1), votes)
    weights = drawing_weights(faces, labelled=False, balance_power=1.0, people_power=0.5)
    assert weights.mean() == pytest.approx(1)
    assert weights[95] / weights[0] == pytest.approx(3)  # sqrt of 90 to 10
    recipe = replace(TWO_HEADS, n_per_epoch=320, photo_set=None)
    batches = two_head_batches(recipe, faces, None)
    drawn = np.concatenate([batches[index][1] for index in range(len(batches))])
    assert drawn[:, 8].mean() > 0.15  # disgust is a tenth of the faces
    again = two_head_batches(recipe, faces, None)
    np.testing.assert_array_equal(again[2][1], batches[2][1])


def test_calibration_finds_the_temperature_and_the_biases_that_were_hidden() -> None:
    logits = RNG.normal(0, 2, (4000, 8))
    bias = np.array([0.5, -1, 0, 1, 0, -0.5, 0, 0])
    votes = softmax((logits / 1.7 + bias - bias.mean()).astype(np.float32))
    temperature, found = fit_shares(logits, votes)
    assert temperature == pytest.approx(1.7, rel=0.02)
    np.testing.assert_allclose(found, bias - bias.mean(), atol=0.03)
    temperature, shifted, tau = fit_people(logits.astype(np.float32), votes)
    shares = softmax((logits / temperature + shifted).astype(np.float32))[:, :7]
    shares /= shares.sum(axis=1, keepdims=True)
    real = votes[:, :7] / votes[:, :7].sum(axis=1, keepdims=True)
    assert np.abs((shares - real).mean(axis=0)).max() <= 0.03
    assert 0 <= tau <= 0.5


def test_photos_say_how_often_an_expression_is_seen_and_votes_how_much_people_differ() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 8))
    votes = softmax((logits / 1.7).astype(np.float32))
    bias = np.array([0.5, -1, 0, 1, 0, -0.5, 0, 0])
    seen = softmax((logits / 1.7 + bias).astype(np.float32)).cumsum(axis=1)
    labels = (rng.random((4000, 1)) > seen[:, :-1]).sum(axis=1)
    photos = logits.astype(np.float32), np.eye(8, dtype=np.float32)[labels]
    temperature, found, tau = fit_people(logits.astype(np.float32), votes, photos=photos)
    assert temperature == pytest.approx(1.7, rel=0.02)
    # Nearly as far as they were shifted: few photos are to shift them less.
    np.testing.assert_allclose(found, bias - bias.mean(), atol=0.05, rtol=0.3)
    assert tau == 0


def test_a_toy_learns_what_people_say_beside_its_labels(
    sets: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, photos = sets
    recipes = {"toy/1-labels": replace(RECIPE, name="toy/1-labels"), TWO_HEADS.name: TWO_HEADS}
    for module in ("training.expression.train", "training.publishing.publish"):
        monkeypatch.setattr(f"{module}.load_recipe", recipes.__getitem__)
    train(recipes["toy/1-labels"], data, tmp_path / "toy-1-labels")
    run = tmp_path / "toy-2-people"
    with pytest.raises(ValueError, match=r"docs/datasets\.md"):
        train(TWO_HEADS, data, run)
    rows = train(TWO_HEADS, data, run, photos=photos)
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert {"val_accuracy", "val_people", "val_people_balanced", "val_share_error"} <= set(rows[0])
    report = publish(
        TWO_HEADS.name, data, run, tmp_path / "models", model_id="toy",
        precision=Precision.float, flip_average=True, photos=photos,
    )  # fmt: skip
    card = load_card("toy", tmp_path / "models")
    assert card.serves == "people"
    assert [data.n_train for data in card.further_data] == [175, 94]
    assert "research only" in card.licence
    assert report.people is not None
    assert report.people.n_clear == 35
    assert report.photos["RAF-DB, test split"].n == 35
    classifier = EmotionClassifier.load("toy", tmp_path / "models")
    faces = load_split(data, "test")
    inputs = card.face_input.normalise(faces.images[..., None])
    agreed = classifier.probabilities(inputs).argmax(axis=1) == (faces.labels + 1) % 7
    assert agreed.mean() == pytest.approx(report.people.clear_agreement)
    labels = classifier.in_dialect("fer2013").probabilities(inputs).argmax(axis=1)
    assert (labels == faces.labels).mean() == pytest.approx(report.all.accuracy)
    exported = whole_model(load_network(TWO_HEADS, card.face_input, run / "best.weights.h5"), card)
    np.testing.assert_allclose(
        exported.predict(faces.images[..., None].astype(np.float32), verbose=0),
        classifier.single_view().probabilities(inputs),
        atol=1e-4,
    )
    assert json.loads((run / "curves.json").read_text()) == rows
    with pytest.raises(DatasetError, match=r"docs/datasets\.md"):
        publish_again("toy", data, tmp_path / "models")
    assert publish_again("toy", data, tmp_path / "models", photos) == report
    assert load_card("toy", tmp_path / "models") == card


def test_a_campaign_ends_the_cosine_of_each_of_its_runs(
    sets: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run from nothing and one that goes on from it; both end where their cosine ends."""
    data, photos = sets
    votes_alone = replace(TWO_HEADS, name="toy/votes", photo_set=None)
    with_photos = replace(TWO_HEADS, start_from="toy/votes")
    recipes = {"toy/votes": votes_alone, TWO_HEADS.name: with_photos}
    for module in ("train", "campaign"):
        monkeypatch.setattr(f"training.expression.{module}.load_recipe", recipes.__getitem__)
    plan = (
        Run("people", "toy/votes", 0.5, changes={"start_from": None, "learning_rate": 0.02}),
        Run("photos", TWO_HEADS.name, 0.5, start="people"),
    )
    campaign(data, photos, tmp_path, seconds=6, batch_size=32, n_per_epoch=64, plan=plan)
    for run in plan:
        curves = json.loads((tmp_path / run.name / "curves.json").read_text())
        recipe = json.loads((tmp_path / run.name / "recipe.json").read_text())
        assert len(curves) == recipe["epochs"] >= 1
        assert curves[-1]["learning_rate"] == pytest.approx(0, abs=1e-3)  # its cosine ended
        assert (tmp_path / run.name / "best.weights.h5").exists()
    assert recipe["photo_set"] == "rafdb"
