"""What is deployed fits together: lock, requirements, image, compose file, proxy, documents."""

import base64
import hashlib
import importlib.metadata
import json
import re
import runpy
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import streamlit
import yaml

from core.config import ENV_PREFIX, Settings
from docs.tools.settings import PAGE, settings_page
from tests.paths import ROOT

DEPLOY = ROOT / "deploy"
TEMPLATE = (DEPLOY / "nginx" / "mien.conf.template").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text("utf-8"))
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
LICENCES = runpy.run_path(str(DEPLOY / "licences.py"))
# Free licences whose terms a program that is passed on with its source can meet.
ALLOWED = {
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0",
    "MIT-CMU", "MPL-2.0", "PSF-2.0", "Unlicense", "Zlib",
}  # fmt: skip


def locked_packages() -> dict[str, dict[str, Any]]:
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    return {package["name"]: package for package in lock["package"]}


def locked_closure() -> dict[str, str]:
    """Package -> version of all that Mien needs without extras, walked through the lock."""
    packages, found = locked_packages(), dict[str, str]()
    asked = packages["mien"]["dependencies"]
    waiting = [(entry["name"], tuple(entry.get("extra", ()))) for entry in asked]
    seen = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        package = packages[name]
        found[name] = package["version"]
        entries = list(package.get("dependencies", []))
        for extra in extras:
            entries += package.get("optional-dependencies", {}).get(extra, [])
        waiting += [(entry["name"], tuple(entry.get("extra", ()))) for entry in entries]
    return found


def test_requirements_are_those_of_the_lock() -> None:
    pinned = {name: version for name, (version, _) in LICENCES["pinned"]().items()}
    closure = locked_closure()
    # pip installs it whether we like it or not: see deploy/export_requirements.py.
    assert pinned.pop("opencv-contrib-python") == closure["opencv-python-headless"]
    impossible = {name for name in closure if name not in pinned}
    assert {name: closure[name] for name in pinned} == pinned
    # Left out by uv because no Python or system that we support asks for it.
    assert impossible <= {"async-timeout", "exceptiongroup", "importlib-resources", "tzdata"}


def test_every_package_is_named_by_the_hashes_of_the_lock() -> None:
    """With one hash, pip wants one of every file; so nobody can put another in its place."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    entries = re.findall(
        r"^([\w.-]+)==\S+.*\\\n((?:    --hash=sha256:[0-9a-f]{64}.*\n)+)", text, re.M
    )
    hashes = {name: set(re.findall("sha256:[0-9a-f]{64}", found)) for name, found in entries}
    assert set(hashes) == set(LICENCES["pinned"]())
    packages = locked_packages()
    for name in set(hashes) - {"opencv-contrib-python"}:
        files = [*packages[name].get("wheels", ()), packages[name].get("sdist")]
        assert hashes[name] <= {file["hash"] for file in files if file}, name


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        ("", 2, "Nothing was learnt: pip-audit"),
        ([{"name": "a", "skip_reason": "unknown"}], 2, "knows none of the 1 packages"),
        (
            [{"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "no"}],
            2,
            "nobody knows: b.",
        ),
        ([{"name": "a", "version": "1", "vulns": []}], 0, "0 holes known"),
        (
            [{"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}],
            1,
            "a 1: X-1, mended in 2",
        ),
    ],
)
def test_an_audit_that_learnt_nothing_fails_with_a_sentence(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    answer: list[dict[str, Any]] | str,
    status: int,
    words: str,
) -> None:
    said = json.dumps({"dependencies": answer}) if answer else "no route to host"
    program = tmp_path / "uv"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\n")
    program.chmod(0o755)
    assert runpy.run_path(str(DEPLOY / "audit.py"))["main"](str(program)) == status
    assert words in capsys.readouterr().out


def test_packages_hold_names_of_debian_only() -> None:
    names = (ROOT / "packages.txt").read_text().split("\n")[:-1]
    assert len(names) == len(set(names)) > 0
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9.+-]+", name) for name in names)
    if shutil.which("apt-cache") is None:
        pytest.skip("no apt-cache here to look the names up")
    done = subprocess.run(["apt-cache", "policy", *names], capture_output=True, text=True)
    if not done.stdout:
        pytest.skip("apt has no lists of packages here")
    assert [name for name in names if f"{name}:" not in done.stdout] == []


def test_no_licence_comes_in_unseen() -> None:
    page = LICENCES["PAGE"].read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\S+) \| (\S+) \| (.+) \|$", page, re.MULTILINE)[1:]
    assert {name: version for name, version, _ in rows if name != "---"} == {
        name: version for name, (version, _) in LICENCES["pinned"]().items()
    }
    for name, _, words in rows:
        if not set(name) <= {"-"}:
            assert set(re.split(r" AND | OR ", words)) <= ALLOWED, f"{name}: {words}"


def test_what_wheels_carry_is_told() -> None:
    """Libraries under the GPL come inside of wheels whose own licence says nothing of them."""
    page = LICENCES["PAGE"].read_text(encoding="utf-8")
    folder = Path(str(importlib.metadata.distribution("av").locate_file("av.libs")))
    carried = {file.name.split("-")[0].split(".")[0] for file in folder.glob("*.so*")}
    for name in carried & {"libx264", "libx265", "libxvidcore", "libpostproc"}:
        assert name in page


def test_licences_are_those_that_the_packages_say() -> None:
    page = LICENCES["PAGE"].read_text(encoding="utf-8")
    for name in ("streamlit", "mediapipe", "numpy", "certifi", "opencv-python-headless"):
        assert f" | {LICENCES['licence'](name)} |" in next(
            line for line in page.splitlines() if line.startswith(f"| {name} |")
        )


def test_every_setting_is_described_and_in_the_table() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
    assert PAGE.read_text(encoding="utf-8") == settings_page()


def test_the_proxy_gets_every_variable_of_its_template() -> None:
    wanted = set(re.findall(r"\$\{(MIEN_[A-Z_]+)\}", TEMPLATE))
    assert wanted == set(COMPOSE["services"]["proxy"]["environment"])


def test_the_one_inline_script_is_the_one_that_the_policy_lets_run() -> None:
    index = Path(streamlit.__file__).parent / "static" / "index.html"
    inline = re.findall(r"<script>(.*?)</script>", index.read_text("utf-8"), re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()) for script in inline]
    assert len(hashes) == 1
    assert f"'sha256-{hashes[0].decode()}'" in TEMPLATE


def test_photos_go_to_no_disk_of_the_proxy() -> None:
    assert "proxy_request_buffering off;" in TEMPLATE
    assert "proxy_max_temp_file_size 0;" in TEMPLATE
    logged = TEMPLATE[TEMPLATE.index("log_format") : TEMPLATE.index("server_tokens")]
    for personal in ("remote_addr", "request_uri", "$uri", "$request ", "http_referer", "cookie"):
        assert personal not in logged


def test_containers_run_without_rights_they_do_not_need() -> None:
    for name, service in COMPOSE["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service
    # Only the proxy is to be reached from outside; the relay has the host's network.
    assert [n for n, s in COMPOSE["services"].items() if "ports" in s] == ["proxy"]
    assert COMPOSE["networks"]["back"] == {"internal": True}
    assert COMPOSE["services"]["database"]["networks"] == ["back"]


def test_secrets_come_from_files_and_every_file_is_made() -> None:
    made = (DEPLOY / "make_secrets.sh").read_text()
    for name, source in COMPOSE["secrets"].items():
        file = Path(source["file"]).name
        assert file in made, name
        assert any(name in service.get("secrets", ()) for service in COMPOSE["services"].values())
    app = COMPOSE["services"]["app"]
    fields = {f"{ENV_PREFIX}{field}".lower() for field in Settings.model_fields}
    assert set(app["secrets"]) <= fields
    text = (DEPLOY / "docker-compose.yml").read_text()
    assert not re.search(r"(PASSWORD|SECRET|KEY): [^/\s$]", text.replace("_FILE", ""))
    settings = {key for key in app["environment"] if key.startswith(ENV_PREFIX)}
    assert {key.lower() for key in settings} - {"mien_secrets_dir"} <= fields


def test_every_setting_can_be_set_in_a_container() -> None:
    """What is not in `environment`, the names of who answers for the data first, is in a file."""
    (file,) = COMPOSE["services"]["app"]["env_file"]
    assert file == {"path": "mien.env", "required": False}
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert {"/deploy/mien.env", "/deploy/secrets.toml"} <= set(ignored)
    assert "deploy/mien.env" in (ROOT / "docs" / "deploy.md").read_text("utf-8")


def test_the_stop_of_a_container_waits_for_that_of_the_program() -> None:
    grace_s = int(COMPOSE["services"]["app"]["stop_grace_period"].removesuffix("s"))
    assert grace_s > Settings().stop_grace_s


def test_the_image_runs_as_nobody_in_particular_and_says_when_it_is_ready() -> None:
    instructions = [line.split(" ", 1) for line in DOCKERFILE.splitlines() if line[:1].isupper()]
    last_from = max(i for i, (word, *_) in enumerate(instructions) if word == "FROM")
    final = instructions[last_from:]
    words = [word for word, *_ in final]
    assert words.index("USER") < words.index("CMD")
    assert [rest for word, rest in final if word == "USER"] == ["mien"]
    assert "HEALTHCHECK" in words
    assert "/ready" in DOCKERFILE
    for _, source in re.findall(r"(COPY(?: --from=\S+)?) (.+) \S+$", DOCKERFILE, re.MULTILINE):
        for path in source.split():
            assert path.startswith("/") or path == "." or (ROOT / path).exists(), path


def test_the_image_gives_its_user_one_folder_and_holds_no_secret() -> None:
    """What could change the program is root's; health is asked for where the probes are."""
    assert re.findall(r"(?:-o \w+|chown|chmod|--chown).*? (/\S+)", DOCKERFILE) == ["/data"]
    assert re.findall(r"^VOLUME (.+)$", DOCKERFILE, re.MULTILINE) == ["/data"]
    assert not re.search(r"^(ARG|ENV) .*(KEY|SECRET|PASSWORD|TOKEN)", DOCKERFILE, re.MULTILINE)
    assert "ADD " not in DOCKERFILE  # which fetches from wherever it is told to
    for image in re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE):
        assert re.fullmatch(r"python:3\.\d+-slim-\w+", image), image
    (probes,) = re.findall(r"MIEN_METRICS_PORT=(\d+)", DOCKERFILE)
    assert f"http://127.0.0.1:{probes}/ready" in DOCKERFILE
    assert "--server.address=0.0.0.0" in DOCKERFILE  # unlike `make app`


def test_what_the_image_takes_in_is_named() -> None:
    """The ignore file lets through what the program needs, and no data and no secrets."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = {line[1:].rstrip("/") for line in lines if line.startswith("!")}
    assert "*" in lines
    packages = {file.parent.name for file in ROOT.glob("*/__init__.py")} - {"tests", "docs"}
    assert packages | {"pages", "models", "Home.py", "serve.py"} <= allowed
    assert not allowed & {"data", "deploy", "runs", ".git", ".streamlit", ".env"}


def test_shell_scripts_are_whole(tmp_path: Path) -> None:
    for script in DEPLOY.rglob("*.sh"):
        subprocess.run(["sh", "-n", script], check=True)
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path / "secrets"
    command = ["sh", DEPLOY / "make_secrets.sh", folder]
    subprocess.run(command, check=True)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    subprocess.run(command, check=True)
    assert before == {file.name: file.read_bytes() for file in folder.iterdir()}
    assert folder.stat().st_mode & 0o077 == 0
    wanted = {Path(source["file"]).name for source in COMPOSE["secrets"].values()}
    assert set(before) == wanted
    settings = Settings(_secrets_dir=folder)
    assert settings.master_key is not None
    assert settings.database_url is not None
    assert settings.database_url.endswith("@database/mien")
