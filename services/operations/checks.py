"""What can be wrong with the program and around it, one function a thing."""

import hashlib
import importlib.metadata
import os
import re
import shutil
import stat
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from core.config import ROOT, Settings
from core.errors import MienError

State = Literal["good", "note", "bad"]
_CLOCK_TOLERANCE: Final = timedelta(minutes=5)
_MIN_COOKIE_SECRET: Final = 32
_THIS_MACHINE: Final = ("localhost", "127.0.0.1", "::1")

PYTHONS: Final = ((3, 11), (3, 12), (3, 13))
# Of the files in THIRD_PARTY_NOTICES.md; our own models have their hash on their card.
THIRD_PARTY_SHA256: Final = {
    "face_landmarker/face_landmarker.task": (
        "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
    ),
    "yunet/model_float.tflite": (
        "15dda5c6c6c7c8cd2fdf3e6c2eb52a518a15bd9634e2dd53ebc5e0869b88c98e"
    ),
}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: what was found, in one sentence, and what mends it.

    Good; a note, which works and is worth knowing; or bad.
    """

    name: str
    state: State
    found: str
    advice: str = ""

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return asdict(self)


def good(name: str, found: str) -> Check:
    """All is well."""
    return Check(name, "good", found)


def note(name: str, found: str, advice: str) -> Check:
    """It works, and is worth knowing."""
    return Check(name, "note", found, advice)


def bad(name: str, found: str, advice: str) -> Check:
    """It has to be mended."""
    return Check(name, "bad", found, advice)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def check_data_dir(settings: Settings) -> Check:
    """Whether the data folder, or where it is to be made, can be written and is private."""
    folder = _existing(settings.data_dir)
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"mien")
            file.flush()
            os.fsync(file.fileno())
    except OSError as exc:
        return bad(
            "data folder",
            f"It cannot be written ({exc.strerror}).",
            "Give it to the account that runs Mien, or set MIEN_DATA_DIR to another.",
        )
    if folder != settings.data_dir:
        return good("data folder", "It is made at first start.")
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        return note(
            "data folder", "Others than its owner may look into it.", f"chmod 700 {folder}"
        )
    return good("data folder", "It can be written, by its owner only.")


def check_disk(settings: Settings) -> Check:
    """Whether there is room where data goes."""
    free_mb = shutil.disk_usage(_existing(settings.data_dir)).free / 1e6
    if free_mb < settings.min_free_mb:
        return bad(
            "disk",
            f"{free_mb:.0f} MB are free; {settings.min_free_mb} are wanted.",
            "Free some space, or set MIEN_MIN_FREE_MB lower.",
        )
    return good("disk", f"{free_mb / 1000:.1f} GB are free.")


def check_store(settings: Settings) -> Iterator[Check]:
    """Whether the database answers and is migrated, the master key fits, the clock is right."""
    from services.store import inspect_store_of

    try:
        facts = inspect_store_of(settings)
    except MienError as error:
        yield bad("database", "The store cannot be opened.", str(error))
        return
    if facts.revision is None:
        yield good("database", "It is made at first start.")
    elif facts.revision != facts.wanted_revision:
        yield note(
            "database",
            f"Its tables are of version {facts.revision}.",
            "They are brought up to date at the next start; make a backup before.",
        )
    else:
        yield good("database", f"It answers; tables of version {facts.revision}.")
    if facts.key_fits is False:
        yield bad(
            "master key",
            "It is not the one that the store was made with, or missing.",
            "Put the file back into the data folder's secrets, or set MIEN_MASTER_KEY as it was.",
        )
    else:
        there = facts.key_found
        words = "It is there, for its owner only." if there else "It is made at first start."
        yield good("master key", words)
    yield check_clock(facts.newest_row_at, datetime.now(UTC))


def check_log(settings: Settings) -> Check:
    """Whether the audit log, the rows that decide and SQLite's pages are whole; reads all."""
    from services.store import chain_status, look_at_store_of

    try:
        store = look_at_store_of(settings)
    except MienError:
        return good("audit log", "There is none yet that can be read.")
    try:
        found = chain_status(store)
    except MienError as error:
        return bad("audit log", str(error), "Restore the database from a backup.")
    finally:
        store.close()
    if not found.ok:
        return bad(
            "audit log",
            found.problem,
            "Keep a copy of the data folder and find out who could write to it.",
        )
    return good("audit log", f"Whole: {found.count:,} rows.")


def check_clock(newest_row_at: datetime | None, now: datetime) -> Check:
    """Whether the clock is not behind what was already written, nor behind this program."""
    built = datetime.fromtimestamp((ROOT / "core" / "config.py").stat().st_mtime, UTC)
    known = max(built, newest_row_at or built)
    if now < known - _CLOCK_TOLERANCE:
        return bad(
            "clock",
            f"It says {now:%Y-%m-%d %H:%M}, but {known:%Y-%m-%d %H:%M} has been.",
            "Set it right; if it was wrong before, see `mien store reanchor`.",
        )
    return good("clock", f"It says {now:%Y-%m-%d %H:%M} UTC.")


def check_live_video(settings: Settings) -> Check:
    """Whether live video can get through networks."""
    if settings.turn_urls and settings.turn_secret is None:
        return bad(
            "live video",
            "TURN servers are named, but no secret.",
            "Set MIEN_TURN_SECRET to coturn's static-auth-secret.",
        )
    for url in (*settings.stun_urls, *settings.turn_urls):
        if not re.fullmatch(r"(stuns?|turns?):[^\s/]+", url):
            return bad(
                "live video",
                "A STUN or TURN address cannot be read.",
                "Write it as stun:host:3478 or turn:host:3478.",
            )
    if not settings.turn_urls:
        return note(
            "live video",
            "Without TURN, live video works in the same network only.",
            "For other networks run coturn and set MIEN_TURN_URLS and MIEN_TURN_SECRET.",
        )
    return good("live video", f"{len(settings.turn_urls)} TURN servers.")


def check_secrets_file(folder: Path = ROOT) -> Check:
    """Whether Streamlit's secrets file, where there is one, is private and can be read."""
    file = folder / ".streamlit" / "secrets.toml"
    if not file.exists():
        return good("secrets file", "There is none; sign-in by an outside service is off.")
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        return bad("secrets file", "Others than its owner may read it.", f"chmod 600 {file}")
    try:
        content: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return bad("secrets file", "It is not TOML.", "Correct it, or remove it.")
    if "auth" in content and (fault := sign_in_fault(content["auth"])):
        return bad("secrets file", *fault)
    return good("secrets file", "It is there, for its owner only.")


def sign_in_fault(auth: object) -> tuple[str, str] | None:
    """Why nobody can be let in by a section `[auth]` of Streamlit's secrets, and what helps.

    A short secret can be guessed, and with it anybody's cookie made; what goes over plain http,
    keys and codes, can be read and exchanged on the way.

    Examples:
        >>> sign_in_fault({"cookie_secret": "short"})[0]
        'Its cookie_secret is missing or short.'
    """
    if not isinstance(auth, Mapping):
        return "Its [auth] is no section.", "docs/privacy.md shows one."
    if len(str(auth.get("cookie_secret", ""))) < _MIN_COOKIE_SECRET:
        return "Its cookie_secret is missing or short.", "Make one with `openssl rand -hex 32`."
    parts = (auth, *(part for part in auth.values() if isinstance(part, Mapping)))
    addresses = [part.get("server_metadata_url") for part in parts if "client_id" in part]
    for address in (auth.get("redirect_uri"), *addresses):
        parsed = urlsplit(str(address))
        at_home = parsed.scheme == "http" and parsed.hostname in _THIS_MACHINE
        if parsed.scheme != "https" and not at_home:
            return (
                "An address in its [auth] is missing or not https.",
                "redirect_uri and server_metadata_url have to begin with https://.",
            )
    return None


def check_replicas(settings: Settings) -> Check:
    """Whether what replicas have to share is set where the database can be shared."""
    if settings.database_url is None or settings.database_url.startswith("sqlite"):
        return good("replicas", "One process on SQLite.")
    shared = {
        "MIEN_MASTER_KEY": settings.master_key,
        "MIEN_COOKIE_SECRET": settings.cookie_secret,
    }
    missing = [name for name, value in shared.items() if value is None]
    if missing:
        return note(
            "replicas",
            f"{' and '.join(missing)} not set: right for one process only.",
            "Set them alike for all replicas, and let them share the data folder.",
        )
    return good("replicas", "Key and cookie secret are set, for all replicas alike.")


def check_python() -> Check:
    """Whether this Python is one that Mien is tested with."""
    found = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] in PYTHONS:
        return good("python", f"Python {found}.")
    return bad("python", f"Python {found}.", "Use Python 3.11, 3.12 or 3.13.")


def check_packages() -> Check:
    """Whether every package that Mien asks for is here in a version that it takes."""
    from packaging.requirements import Requirement

    try:
        asked = importlib.metadata.requires("mien") or []
    except importlib.metadata.PackageNotFoundError:
        return note(
            "packages",
            "Mien runs from its folder without being installed.",
            "To have its packages checked, install it: `make app` or `pip install .`.",
        )
    wrong = []
    for line in asked:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} is {version}, not {requirement.specifier}")
    if wrong:
        return bad(
            "packages",
            f"{'; '.join(sorted(wrong))}.",
            "Install what the lock file names: `make app`.",
        )
    return good("packages", "All packages are here in versions that fit.")


def check_opencv() -> Check:
    """Whether one build of OpenCV, and that of the headless package, is what gets imported."""
    builds = sorted(
        name
        for distribution in importlib.metadata.distributions()
        if (name := (distribution.name or "").lower()).startswith("opencv-")
    )
    if len(builds) > 1:
        return bad(
            "opencv",
            f"{' and '.join(builds)} overwrite each other's files.",
            f"Run `pip uninstall -y {' '.join(builds)}` and install opencv-python-headless again.",
        )
    try:
        import cv2
    except ImportError as exc:
        return bad(
            "opencv",
            f"OpenCV cannot be imported ({type(exc).__name__}).",
            "Install opencv-python-headless; other builds need libraries of a desktop.",
        )
    gui = re.search(r"^\s*GUI:\s*(\S+)", cv2.getBuildInformation(), re.MULTILINE)
    if gui is not None and gui[1] != "NONE":
        return bad(
            "opencv",
            f"OpenCV {cv2.__version__} is a build for desktops ({gui[1]}).",
            "Another build overwrote the headless one: uninstall all, install it again.",
        )
    return good("opencv", f"OpenCV {cv2.__version__}, headless.")


def check_models(settings: Settings) -> Check:
    """Whether every model file is the one that was shipped, by SHA-256."""
    from core.expression.classify import EmotionClassifier
    from core.expression.model_card import model_ids

    models_dir, n_files = settings.models_dir, 0
    ids = model_ids(models_dir)
    if settings.default_model not in ids:
        return bad(
            "models",
            f"The default model {settings.default_model!r} is not there.",
            f"Set MIEN_DEFAULT_MODEL to one of: {', '.join(ids) or 'none is there'}.",
        )
    try:
        for model_id in ids:
            loaded = EmotionClassifier.load(model_id, models_dir)  # reads and checks, no more
            n_files += not loaded.card.members  # an ensemble has no file of its own
    except MienError as error:
        return bad("models", str(error), "Restore the folder models/ of this version.")
    for name, sha256 in THIRD_PARTY_SHA256.items():
        file = models_dir / name
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
            return bad(
                "models",
                f"{name} is missing or was changed.",
                "Restore the folder models/ of this version.",
            )
        n_files += 1
    return good("models", f"{n_files} model files are as they were shipped.")
