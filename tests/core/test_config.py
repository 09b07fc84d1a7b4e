from pathlib import Path

import pytest
from PIL import Image
from pydantic import ValidationError

from core.config import ROOT, Settings, load_settings
from core.errors import SettingsError
from core.pictures.images import MAX_BYTES, MAX_PIXELS


def test_the_defaults_are_those_of_the_decoder() -> None:
    settings = Settings()
    assert settings.max_upload_bytes == MAX_BYTES == 10_000_000
    assert settings.max_pixels == MAX_PIXELS == 25_000_000
    assert settings.models_dir == ROOT / "models"


def test_no_setting_allows_more_pixels_than_pillow_decodes_in_silence() -> None:
    """Or else a picture under the limit would be answered with "more than the limit"."""
    with pytest.raises(ValidationError, match="max_megapixels"):
        Settings(max_megapixels=90)
    largest = Settings(max_megapixels=89)
    assert Image.MAX_IMAGE_PIXELS is not None
    assert largest.max_pixels <= Image.MAX_IMAGE_PIXELS


def test_the_environment_is_read_with_its_prefix(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MIEN_MODELS_DIR", str(tmp_path))
    monkeypatch.setenv("MIEN_MAX_UPLOAD_MB", "3")
    monkeypatch.setenv("MAX_MEGAPIXELS", "3")
    settings = load_settings()
    assert settings.models_dir == tmp_path
    assert settings.max_upload_bytes == 3_000_000
    assert settings.max_megapixels == 25


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("MAX_UPLOAD_MB", "0", "is '0'; it must be a whole number from 1 to 100."),
        ("MAX_UPLOAD_MB", "many", "is 'many'; it must be a whole number from 1 to 100."),
        ("MAX_CLIP_SECONDS", "7200", "is '7200'; it must be a whole number from 1 to 3600."),
        ("MIN_FACE_PX", "3", "is '3'; it must be a whole number of 12 or more."),
        ("METRICS_PORT", "x", "is 'x'; it must be a whole number from 1 to 65535."),
        ("LOG_FORMAT", "xml", "is 'xml'; it must be text or json."),
        ("CONTROLLER_NAME", "n" * 201, "; it must be a text of at most 200 characters."),
    ],
)
def test_an_impossible_setting_is_named_with_its_value_and_range(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv("MIEN_" + name, value)
    with pytest.raises(SettingsError) as refusal:
        load_settings()
    assert str(refusal.value).startswith(f"MIEN_{name} is ")
    assert str(refusal.value).endswith(words)
    assert refusal.value.__context__ is None


def test_settings_cannot_be_changed_and_keep_secrets_out_of_their_text() -> None:
    settings = Settings(master_key="very secret")
    assert "very secret" not in repr(settings)
    with pytest.raises(ValidationError, match="frozen"):
        settings.min_face_px = 99
