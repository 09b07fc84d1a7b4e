import io
import json
import zipfile

import jsonschema
import numpy as np
import pytest
from PIL import Image

from core.errors import InvalidImageArrayError
from db.errors import UnknownCodeError
from db.policy.legal import legal_dates
from db.store import Store
from db.types import Choices, ConsentEvent, ConsentState, Kind, Purpose
from services.analysis.records import encode_image, record_analysis
from services.person.consent import current_notice, withdraw
from services.person.export import export, look_up, read_image
from services.person.receipt import SCHEMA_FILE, as_json, receipt_of_subject
from tests.db.fixtures import START, FakeClock
from tests.db.tools import ALL, RESULT, actions, agree, analyse
from tests.db.traces import plant
from tests.paths import ROOT

SCHEMA = json.loads(SCHEMA_FILE.read_text("utf-8"))
TEXTS = ROOT / "db" / "policy" / "texts"


def contents(zip_bytes: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(zip_bytes)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_history_of_a_consent_is_in_the_view_in_order(store: Store, clock: FakeClock) -> None:
    given = agree(store)
    clock.forward(days=1)
    withdraw(store, given.consent, {Purpose.EVALUATION, Purpose.KEEP_IMAGE})
    events = look_up(store, given.code or "").events
    notice_id = current_notice(store).id
    first = [ConsentEvent(START, purpose, ConsentState.GIVEN, notice_id) for purpose in Purpose]
    later = [
        ConsentEvent(clock.now, purpose, ConsentState.WITHDRAWN, notice_id)
        for purpose in (Purpose.KEEP_IMAGE, Purpose.EVALUATION)
    ]
    assert list(events) == [*first, *later]


def test_the_schema_itself_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "choices", [Choices(), Choices(analyse=True), Choices(analyse=True, keep_image=True), ALL]
)
def test_each_receipt_fits_the_schema_and_says_what_was_chosen(
    store: Store, choices: Choices
) -> None:
    given = agree(store, choices, signed_name="Ada")
    jsonschema.validate(given.receipt, SCHEMA)
    purposes = {row["purpose"]: row for row in given.receipt["processing"]["purposes"]}
    for purpose in Purpose:
        chosen = purpose in choices.given
        assert purposes[purpose.value]["state"] == ("given" if chosen else "refused")
    image_days = purposes["keep_image"]["retention_period"]
    assert image_days == ("P30D" if choices.keep_image else "P0D")
    controller, person = given.receipt["parties"]
    assert controller == store.controller.as_party()
    keeps = choices.analyse and (choices.keep_result or choices.keep_image)
    assert person["party_name"] == ("Ada" if keeps else "")
    assert json.loads(as_json(given.receipt)) == given.receipt
    assert given.consent.pseudonym not in as_json(given.receipt)


def test_the_record_shows_a_withdrawal(store: Store) -> None:
    given = agree(store)
    withdraw(store, given.consent, {Purpose.KEEP_IMAGE})
    view = look_up(store, given.code or "")
    record = receipt_of_subject(view, controller=store.controller)
    jsonschema.validate(record, SCHEMA)
    states = {row["purpose"]: row["state"] for row in record["processing"]["purposes"]}
    assert states["keep_image"] == "withdrawn"
    assert [event["event_state"] for event in record["events"]] == ["given"] * 4 + ["withdrawn"]
    assert record["header"] == given.receipt["header"]


def test_a_record_without_one_mandatory_field_does_not_fit(store: Store) -> None:
    record = agree(store).receipt
    for block in ("header", "processing"):
        for name in list(record[block]):
            broken = json.loads(as_json(record))
            del broken[block][name]
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate(broken, SCHEMA)


def test_the_export_holds_all_of_one_person_and_nothing_of_another(store: Store) -> None:
    person, other = plant(store), plant(store, "somebody else")
    made = export(store, person.code)
    assert (made.analyses, made.images, made.missing) == (1, 1, 0)
    files = contents(made.zip_bytes)
    record = json.loads(files["record.json"])
    jsonschema.validate(record, SCHEMA)
    assert record["parties"][1]["party_name"] == person.needles["name"].hex()
    result = json.loads(next(v for k, v in files.items() if k.startswith("results/")))
    assert result["result"] == {"needle": person.needles["result"].hex()}
    image = next(v for k, v in files.items() if k.startswith("images/"))
    assert person.needles["image"] in image
    text = (TEXTS / "notice.en.md").read_text("utf-8")
    assert files["notice.md"].decode() == text.format(controller=store.controller.sentence)
    everything = b"".join(files.values())
    for name, needle in other.needles.items():
        assert needle not in everything, name
        assert needle.hex().encode() not in everything, name
    assert actions(store)[-1] == "EXPORTED"


def test_a_code_without_items_exports_the_record(store: Store) -> None:
    given = agree(store)
    made = export(store, given.code or "")
    assert (made.analyses, made.images) == (0, 0)
    assert set(contents(made.zip_bytes)) == {"README.txt", "notice.md", "record.json"}


def test_an_unknown_code_exports_nothing(store: Store) -> None:
    before = actions(store)
    with pytest.raises(UnknownCodeError):
        export(store, "AAAAA-AAAAA-AAAAA-AAAAA")
    assert actions(store) == before


def test_an_image_of_somebody_else_cannot_be_read(store: Store) -> None:
    person, other = plant(store), plant(store, "somebody else")
    own = look_up(store, person.code).images[0].id
    assert person.needles["image"] in read_image(store, person.code, own)
    with pytest.raises(UnknownCodeError):
        read_image(store, other.code, own)


def test_kept_images_are_pixels_and_nothing_else(store: Store) -> None:
    rng = np.random.default_rng(6)
    image_rgb = rng.integers(0, 256, (48, 32, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    given = agree(store)
    kept = record_analysis(
        store,
        given.consent,
        model_id="m",
        face_count=0,
        result=RESULT,
        image_rgb=image_rgb,
    )
    stored = read_image(store, given.code or "", kept.image_id or "")
    with Image.open(io.BytesIO(stored)) as image:
        assert (image.format, image.size) == ("JPEG", (128, 192))
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert not image.getexif()
        got = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(got - image_rgb.astype(int)).mean() < 4


def test_only_images_can_be_encoded() -> None:
    with pytest.raises(InvalidImageArrayError):
        encode_image(np.zeros((4, 4), np.uint8))


def test_without_consent_to_it_an_image_is_not_even_encoded(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(_image: object) -> bytes:
        raise AssertionError("encoded without need")

    monkeypatch.setattr("services.analysis.records.encode_image", never)
    given = agree(store, Choices(analyse=True, keep_result=True))
    kept = record_analysis(
        store,
        given.consent,
        model_id="m",
        face_count=0,
        result=RESULT,
        image_rgb=np.zeros((4, 4, 3), np.uint8),
    )
    assert (kept.analysis_id is not None, kept.image_id) == (True, None)


@pytest.mark.parametrize("result", [{"x": object()}, {"x": float("nan")}])
def test_a_result_that_is_no_json_is_refused_whole(store: Store, result: dict) -> None:
    given = agree(store)
    before = actions(store)
    with pytest.raises((TypeError, ValueError)):
        analyse(store, given.consent, result=result)
    assert actions(store) == before
    assert look_up(store, given.code or "").analyses == ()


def test_a_view_says_when_each_item_goes(store: Store) -> None:
    given = agree(store)
    analyse(store, given.consent)
    view = look_up(store, given.code or "")
    assert view.promised_days == {Kind.RESULT: 30, Kind.IMAGE: 30}
    item, image = view.analyses[0], view.images[0]
    assert (item.kept_until - item.stored_at).days == 30
    assert image.analysis_id == item.id
    assert set(view.states.values()) == {ConsentState.GIVEN}


def test_legal_dates_are_data_with_sources() -> None:
    found = legal_dates()
    entries = {entry.id: entry for entry in found.dates}
    assert [e.applies_from for e in found.dates] == sorted(e.applies_from for e in found.dates)
    assert entries["ai_act_5_1_f"].applies_from.isoformat() == "2025-02-02"
    assert entries["ai_act_50_3"].in_force(found.as_of)
    assert not entries["ai_act_annex_iii"].in_force(found.as_of)
    assert all(entry.source.startswith("https://") for entry in found.dates)
    assert {entry.read for entry in found.dates} <= {"text", "secondary"}
