"""Settings, read once at the edge (Home.py, the command line) and passed down."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """All that can be set from outside; environment variables carry the prefix `MIEN_`."""

    model_config = SettingsConfigDict(env_prefix="MIEN_", frozen=True)

    models_dir: Path = Field(default=ROOT / "models", description="Folder of the shipped models.")
    data_dir: Path = Field(
        default=ROOT / "data", description="Folder of what is stored, if anything."
    )
    database_url: str | None = Field(
        default=None, description="SQLAlchemy URL; SQLite if not set."
    )
    master_key: SecretStr | None = Field(default=None, description="Key that wraps the data keys.")
    default_model: str = Field(
        default="se-resnet-int8", description="Id of the model chosen at first."
    )
    default_detector: str = Field(
        default="yunet", description="Name of the detector chosen at first."
    )
    max_upload_mb: int = Field(
        default=10, ge=1, le=100, description="Largest file, in 10**6 bytes."
    )
    max_megapixels: int = Field(
        default=25, ge=1, le=89, description="Largest image, in 10**6 pixels; Pillow stops at 89."
    )
    min_face_px: int = Field(
        default=24, ge=12, description="Smaller faces (height in pixels) are shown but not judged."
    )
    stun_urls: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="STUN servers of live video, such as stun:host:3478; by commas."
    )
    turn_urls: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="TURN servers of live video, such as turn:host:3478; by commas."
    )
    turn_secret: SecretStr | None = Field(
        default=None, description="coturn's static-auth-secret; makes short-lived credentials."
    )
    max_live_streams: int = Field(
        default=4,
        ge=1,
        le=64,
        description="Live videos at a time; further users are asked to wait.",
    )
    max_clip_seconds: int = Field(
        default=60, ge=1, le=3600, description="Longest video clip, in seconds."
    )
    max_clip_mb: int = Field(
        default=50, ge=1, le=2000, description="Largest video clip, in 10**6 bytes."
    )

    fer2013_path: Path | None = Field(
        default=None,
        description="FER-2013 as parquet; Model Metrics then shows which images were misjudged.",
    )

    @field_validator("stun_urls", "turn_urls", mode="before")
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        """An environment variable holds one text."""
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @property
    def max_clip_bytes(self) -> int:
        """`max_clip_mb` in bytes."""
        return self.max_clip_mb * 1_000_000

    @property
    def max_upload_bytes(self) -> int:
        """`max_upload_mb` in bytes."""
        return self.max_upload_mb * 1_000_000

    @property
    def max_pixels(self) -> int:
        """`max_megapixels` in pixels."""
        return self.max_megapixels * 1_000_000


def load_settings() -> Settings:
    """Settings from the environment; raises pydantic's ValidationError where one is wrong."""
    return Settings()
