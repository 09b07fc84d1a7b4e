"""The site's menu and links; the site itself where MkDocs is installed."""

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from docs.tools.measured import ROOT
from docs.tools.site_hooks import on_page_markdown


def test_every_page_is_in_the_menu() -> None:
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
    menu = set(_targets(config["nav"]))
    hidden = ("report/", "templates/", "slides/", "tools/", "performance/")
    pages = {file.relative_to(ROOT / "docs").as_posix() for file in ROOT.glob("docs/**/*.md")}
    assert {page for page in pages if not page.startswith(hidden)} <= menu


def _targets(nav: list[dict[str, object]]) -> list[str]:
    found: list[str] = []
    for entry in nav:
        for target in entry.values():
            found += _targets(target) if isinstance(target, list) else [str(target)]
    return found


def test_links_out_of_the_documents_become_text_if_their_file_exists() -> None:
    page = SimpleNamespace(file=SimpleNamespace(abs_src_path=str(ROOT / "docs" / "privacy.md")))
    text = "[notice](../db/policy/texts/notice.en.md) [gone](../db/gone.md) [near](dpia.md) [x](https://x)"
    assert on_page_markdown(text, page=page) == (
        "notice (`db/policy/texts/notice.en.md`) [gone](../db/gone.md) [near](dpia.md) [x](https://x)"
    )


@pytest.mark.slow
def test_the_site_builds_and_a_broken_link_stops_it(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="MkDocs is in the extra docs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet"]
    subprocess.run([*command, "--site-dir", tmp_path / "site"], cwd=ROOT, check=True)
    assert (tmp_path / "site" / "api" / "core.html").is_file()
    for room in ("docs", "core", "db", "services", "training"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    with (tmp_path / "docs" / "index.md").open("a") as page:
        page.write("\n[broken](nowhere.md)\n")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0
    assert "nowhere.md" in done.stdout + done.stderr
