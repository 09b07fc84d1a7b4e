"""The `mien` command as a wheel lays it out: all rooms inside one package."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.paths import ROOT

WHEEL = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"][
    "targets"
]["wheel"]


def test_an_installed_mien_adds_one_name_and_finds_its_models(tmp_path: Path) -> None:
    assert {target.split("/")[0] for target in WHEEL["sources"].values()} == {"mien"}
    assert set(WHEEL["only-include"]) == {"mien", *WHEEL["sources"]}
    shutil.copytree(ROOT / "mien", tmp_path / "mien")
    for room, target in WHEEL["sources"].items():
        if room in ("models", "samples"):
            (tmp_path / target).symlink_to(ROOT / room)
        else:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / room, tmp_path / target, ignore=ignored)
    # -I: neither this folder nor the environment says where modules are.
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from mien.command import main; "
        "sys.argv = ['mien', 'analyze', *sys.argv[1:]]\n"
        "try:\n    main()\nfinally:\n    import core.config as c; print(c.ROOT, c.DATA_DIR)"
    )
    picture = ROOT / "samples" / "astronaut.jpg"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, picture], cwd=tmp_path, capture_output=True, text=True
    )
    assert "face 1 at" in done.stdout, done.stderr
    root, data_dir = done.stdout.splitlines()[-1].split()
    assert root == str(tmp_path / "mien")
    assert not data_dir.startswith(str(tmp_path))
