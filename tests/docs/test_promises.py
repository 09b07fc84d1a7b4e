"""Numbers that the documents promise are those that the program goes by."""

import re
import tomllib
from datetime import timedelta

import pytest

from core.config import Settings
from core.pictures import structure, video_process
from db import admins
from db.consent.codes import ALPHABET, CODE_CHARACTERS
from db.consent.purge import LONGEST_STEP
from db.policy.retention import DEFAULT_DAYS, MAX_DAYS
from db.seal.files import RESERVE_BYTES
from db.types import Kind
from services.operations import checks
from tests.paths import ROOT
from ui.runtime import session_expiry, upload_guard

CONFIG = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))
TTL_S = CONFIG["server"]["disconnectedSessionTTL"]
PROXY = (ROOT / "deploy" / "nginx" / "mien.conf.template").read_text("utf-8")
MINUTES_15 = timedelta(minutes=15)


@pytest.mark.parametrize(
    ("page", "words", "holds"),
    [
        ("privacy", "`disconnectedSessionTTL` is 120 seconds", TTL_S == 120),
        ("privacy", "every 15 seconds the server looks", session_expiry.EVERY_S == 15),
        ("privacy", "at most two and a half minutes", TTL_S + session_expiry.EVERY_S < 150),
        ("privacy", "runs at start, every five minutes", Settings().purge_every_s == 300),
        ("privacy", "codes are 100 random bits", len(ALPHABET) ** CODE_CHARACTERS == 2**100),
        ("privacy", "eight megabytes are held back", RESERVE_BYTES >= 8_000_000),
        ("privacy", "Bounds: 0 to 1,095 days", MAX_DAYS == 1095),
        ("privacy", "opt-in 30 days", DEFAULT_DAYS[Kind.IMAGE] == DEFAULT_DAYS[Kind.RESULT] == 30),
        ("privacy", "from the last one by a year at most", timedelta(days=366) >= LONGEST_STEP),
        ("privacy", "five wrong ones lock the name", admins.MAX_FAILURES == 5),
        ("privacy", "for a quarter of an hour", admins.LOCKOUT == MINUTES_15),
        ("privacy", "ten from one address", admins.MAX_CLIENT_FAILURES == 10),
        ("privacy", "ends after 15 minutes without use", admins.IDLE == MINUTES_15),
        ("privacy", "at the latest after 8 hours", timedelta(hours=8) == admins.ABSOLUTE),
        ("privacy", "of less than 32 characters", checks._MIN_COOKIE_SECRET == 32),
        ("privacy", "25 million pixels", Settings().max_pixels == 25_000_000),
        ("deploy", "bring 4 kB a second", upload_guard.LEAST_BYTES_A_SECOND == 4000),
        ("deploy", "after its first 20 seconds", upload_guard.GRACE_S == 20),
        ("deploy", "may take half an hour", upload_guard.LONGEST_S == 1800),
        ("deploy", "six of one page are received at a time", upload_guard.AT_A_TIME == 6),
        ("deploy", "50 requests a second", "rate=50r/s" in PROXY),
        ("deploy", "a reserve of 400", "burst=400 " in PROXY),
        ("deploy", "200 connections an address", "limit_conn mien_connections 200;" in PROXY),
        ("deploy", "one file of any uploader, 200 MB", CONFIG["server"]["maxUploadSize"] == 200),
        ("deploy", "more than 100 scans", structure.MAX_SCANS == 100),
        ("deploy", "four clips at a time", video_process.CLIPS_AT_A_TIME == 4),
    ],
)
def test_a_promised_number_is_kept(page: str, words: str, holds: bool) -> None:
    text = re.sub(r"\s+", " ", (ROOT / "docs" / f"{page}.md").read_text("utf-8"))
    assert words in text
    assert holds
