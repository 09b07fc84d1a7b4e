"""Settings, read once at the edge (Home.py, the command line) and passed down."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, get_args, get_origin

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core.errors import SettingsError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from core.pictures.images import PictureLimits

ROOT = Path(__file__).resolve().parent.parent
# Beside the program in a checkout; an installed Mien keeps nothing among the packages.
DATA_DIR: Final = (
    ROOT / "data" if (ROOT / "pyproject.toml").is_file() else Path.home() / ".local/share/mien"
)
ENV_PREFIX: Final = "MIEN_"
# Names the folder of secret files, such as /run/secrets; read before the settings themselves.
SECRETS_DIR_VARIABLE: Final = "MIEN_SECRETS_DIR"


class Settings(BaseSettings):
    """All that can be set from outside; environment variables carry the prefix `MIEN_`.

    Where `MIEN_SECRETS_DIR` names a folder, a file in it called like the variable in small
    letters (`mien_master_key`) sets what the environment does not.

    Examples:
        >>> set_here = Settings(max_upload_mb=20, stun_urls="stun:a:3478, stun:b:3478")
        >>> set_here.picture_limits.max_bytes, set_here.stun_urls
        (20000000, ('stun:a:3478', 'stun:b:3478'))
        >>> Settings(parallel_photos=0)
        Traceback (most recent call last):
        pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings...
    """

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, frozen=True, use_attribute_docstrings=True
    )

    models_dir: Path = ROOT / "models"
    """Folder of the shipped models."""
    data_dir: Path = DATA_DIR
    """Folder of what is stored, if anything."""
    database_url: str | None = None
    """SQLAlchemy URL; SQLite if not set."""
    master_key: SecretStr | None = None
    """Key that wraps the data keys."""
    default_model: str = "mien-fast"
    """Id of the model chosen at first."""
    default_detector: str = "yunet"
    """Name of the detector chosen at first."""
    max_upload_mb: int = Field(default=10, ge=1, le=100)
    """Largest file, in 10**6 bytes."""
    max_megapixels: int = Field(default=25, ge=1, le=89)
    """Largest image, in 10**6 pixels; Pillow stops at 89."""
    max_session_upload_mb: int = Field(default=1000, ge=1)
    """All files that one open page may hold, in 10**6 bytes."""
    max_total_upload_mb: int = Field(default=4000, ge=1)
    """All files that all pages of one process may hold, in 10**6 bytes."""
    parallel_photos: int = Field(default=2, ge=1, le=256)
    """Uploaded photos analysed at a time; one a core."""
    max_waiting_photos: int = Field(default=500, ge=1)
    """Uploaded photos that may wait; more are asked to come back."""
    min_face_px: int = Field(default=24, ge=12)
    """Smaller faces (height in pixels) are shown but not judged."""
    stun_urls: Annotated[tuple[str, ...], NoDecode] = ()
    """STUN servers of live video, such as stun:host:3478; by commas."""
    turn_urls: Annotated[tuple[str, ...], NoDecode] = ()
    """TURN servers of live video, such as turn:host:3478; by commas."""
    turn_secret: SecretStr | None = None
    """coturn's static-auth-secret; makes short-lived credentials."""
    max_live_streams: int = Field(default=4, ge=1, le=64)
    """Live videos at a time; further users are asked to wait."""
    max_clip_seconds: int = Field(default=60, ge=1, le=3600)
    """Longest video clip, in seconds."""
    max_clip_mb: int = Field(default=50, ge=1, le=2000)
    """Largest video clip, in 10**6 bytes."""

    cookie_secret: SecretStr | None = None
    """Signs the web server's cookies, alike for all replicas; random if not set."""
    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """Port of /metrics, /live and /ready; none is opened if not set."""
    metrics_host: str = "127.0.0.1"
    """Address on which metrics_port listens; keep it from the public."""
    log_format: Literal["text", "json"] = "text"
    """Lines of the log: text for people, json for machines."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The least important lines that the log takes."""
    purge_every_s: int = Field(default=300, ge=1, le=3600)
    """Seconds from one purge to the next."""
    stop_grace_s: int = Field(default=30, ge=0, le=600)
    """Longest wait, in seconds, for analyses under way when Mien is stopped."""
    min_free_mb: int = Field(default=500, ge=0)
    """Free space, in 10**6 bytes, below which Mien says it is not ready."""
    controller_name: str = Field(default="", max_length=200)
    """Who answers for the data (GDPR 4(7)); named in notice, policy and receipts."""
    controller_address: str = Field(default="", max_length=300)
    """Postal address of the controller, in one line."""
    controller_contact: str = Field(default="", max_length=200)
    """E-mail address or telephone number for requests."""
    fer2013_path: Path | None = None
    """FER-2013 as parquet; Model Metrics then shows which images were misjudged."""

    @field_validator("controller_name", "controller_address", "controller_contact")
    @classmethod
    def _one_line(cls, value: str) -> str:
        """They stand in the middle of sentences."""
        return " ".join(value.split())

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
    def picture_limits(self) -> "PictureLimits":
        """What one picture may cost, on every way in."""
        from core.pictures.images import PictureLimits  # and with it Pillow, where it is needed

        return PictureLimits(self.max_upload_bytes, self.max_pixels)

    @property
    def max_upload_bytes(self) -> int:
        """`max_upload_mb` in bytes."""
        return self.max_upload_mb * 1_000_000

    @property
    def max_pixels(self) -> int:
        """`max_megapixels` in pixels."""
        return self.max_megapixels * 1_000_000


def load_settings() -> Settings:
    """Settings from the environment and the secret files.

    Raises:
        SettingsError: one of them is wrong, or the folder of secret files does not exist; the
            message names the variable, its value and what it can be.

    Examples:
        >>> load_settings().max_upload_mb
        10
    """
    folder = os.environ.get(SECRETS_DIR_VARIABLE)
    if folder and not Path(folder).is_dir():
        # Not to be passed over: Mien would start with keys of its own making.
        raise SettingsError(
            f"{SECRETS_DIR_VARIABLE} names a folder that does not exist; correct it or unset it."
        )
    try:
        return Settings(_secrets_dir=folder) if folder else Settings()
    except ValidationError as exc:
        wrong = {str(fault["loc"][0]): fault for fault in exc.errors()}
    # Outside, so that pydantic's text, which can hold a secret, goes into no log.
    raise SettingsError(" ".join(_fault_words(name, fault) for name, fault in wrong.items()))


def _fault_words(name: str, fault: "ErrorDetails") -> str:
    """Such as "MIEN_PARALLEL_PHOTOS is '0'; it must be a whole number from 1 to 256."."""
    field = Settings.model_fields[name]
    is_secret = SecretStr in (field.annotation, *get_args(field.annotation))
    value = "not as it should be" if is_secret else repr(str(fault["input"]))
    return f"{ENV_PREFIX}{name.upper()} is {value}; it must be {_allowed(field)}."


def _allowed(field: FieldInfo) -> str:
    limits = {
        name: getattr(entry, name)
        for entry in field.metadata
        for name in ("ge", "le", "max_length")
        if getattr(entry, name, None) is not None
    }
    kinds = [kind for kind in (field.annotation, *get_args(field.annotation)) if kind is not None]
    if get_origin(field.annotation) is Literal:
        return " or ".join(map(str, get_args(field.annotation)))
    if int in kinds:
        low, high = limits.get("ge"), limits.get("le")
        end = f"from {low} to {high}" if high is not None else f"of {low} or more"
        return f"a whole number {end}"
    if "max_length" in limits:
        return f"a text of at most {limits['max_length']} characters"
    return "a path" if Path in kinds else "a text"
