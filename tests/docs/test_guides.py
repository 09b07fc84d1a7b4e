"""Every command in the guides runs, or at least has the words that it is given."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from cli.main import app
from core.emotions import EMOTIONS
from docs.tools.measured import ROOT
from tests.helpers.clips import encode_clip
from tests.helpers.pictures import colourful, encode

PAGES = sorted(
    [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "guides").glob("*.md"), ROOT / "README.md"]
)
# Beginnings of commands whose words are checked without running them, and why.
ONLY_CHECKED = {
    "train": "hours",
    "publish": "needs a finished training",
    "publish-ensemble": "needs several models",
    "export": "needs TensorFlow",
    "bench": "times this machine for a minute",
    "batch": "starts processes; needs the extra cluster",
    "serve": "stays",
    "bias": "needs a data set and minutes",
    "study landmarks": "needs two data sets and minutes",
    "study failures": "needs a data set",
    "detect-eval": "needs annotated photos",
    "audit --live": "stays",
    "store export": "needs a receipt code",
    "store erase": "needs a receipt code",
    "store reanchor": "changes a store for good",
    "admin": "asks for a password",
}
# Programs of the system that a page may show; nothing here runs them.
OTHERS = {
    "git", "cd", "apt-get", "apt", "systemctl", "docker", "curl", "certbot", "openssl", "sudo",
    "cp", "mkdir", "tar", "pip", "sqlite3", "pg_dump", "psql", "echo", "cat", "uv", "export",
    "chmod", "chown", "journalctl", "python3", "rsync", "install", "useradd", "nginx", "kubectl",
    "head", "ls", "rm", "age", "gpg", "stat", "sha256sum", "podman",
}  # fmt: skip
WRAPPERS = {"timeout", "nice", "env"}


def commands() -> Iterator[tuple[str, str]]:
    """Page and command, for each line of a console block that begins with a dollar."""
    for page in PAGES:
        for block in re.findall(r"^```console\n(.*?)^```", page.read_text("utf-8"), re.M | re.S):
            for line in block.replace("\\\n", " ").splitlines():
                if line.startswith("$ "):
                    yield page.name, line[2:].split("  #")[0].strip()


def mentions() -> Iterator[tuple[str, str]]:
    """Page and `mien …` of other blocks and of code within a sentence."""
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        text = page.read_text("utf-8")
        blocks = re.findall(r"^```(?!console)\w*\n(.*?)^```", text, re.M | re.S)
        lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
        spans = re.findall(
            r"(?<!`)`([^`\n]+)`(?!`)", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
        )
        for line in [*lines, *spans]:
            said = re.sub(
                r"^(\$ )?(\.venv(-train)?/bin/)?", "", line.strip().split("  #")[0].strip()
            )
            if said.startswith("mien ") and not re.search(r"COMMAND|…", said):
                yield page.name, said


COMMANDS = sorted(set(commands()))
MENTIONS = sorted(set(mentions()))


def words_of(command: str) -> list[str]:
    """A command without settings of the environment before it and without pipes after it."""
    words = shlex.split(re.split(r"\s[|>&]+\s", command)[0])
    while words and ("=" in words[0] or words[0] in WRAPPERS):
        words = words[1:]
    return [Path(words[0]).name if words[0].startswith(".venv") else words[0], *words[1:]]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the guides' commands name."""
    folder = tmp_path_factory.mktemp("guides")
    photo = (ROOT / "samples" / "astronaut.jpg").read_bytes()
    (folder / "photo.jpg").write_bytes(photo)
    for name in ("holiday", "photos", "faces"):
        (folder / name).mkdir()
    (folder / "holiday" / "one.jpg").write_bytes(photo)
    frames = [colourful(64, 64, seed) for seed in range(6)]
    (folder / "walk.mp4").write_bytes(encode_clip(frames))
    pictures = [encode(colourful(48, 48, seed), "PNG") for seed in range(70)]
    labels = [EMOTIONS[index % 7] for index in range(70)]
    place = ["indoors"] * 40 + ["outdoors"] * 30
    frame = pd.DataFrame({"image": pictures, "label": labels, "place": place})
    frame.to_parquet(folder / "labelled.parquet")
    for number, data in enumerate(pictures):
        (folder / "faces" / f"{number}.png").write_bytes(data)
    paths = [f"faces/{number}.png" for number in range(70)]
    table = pd.DataFrame({"path": paths, "label": labels, "place": place})
    table.to_csv(folder / "labelled.csv", index=False)
    table.assign(path="photo.jpg").head(35).to_csv(folder / "photos.csv", index=False)
    mine = pd.DataFrame({"image": pictures, "label": [index % 7 for index in range(70)]})
    mine["split"] = ["train"] * 56 + ["validation"] * 14
    mine["ferplus_votes"] = None
    for name in ("mine", "fer2013"):
        mine.to_parquet(folder / f"{name}.parquet")
    return folder


def checked_only(words: list[str]) -> bool:
    """Whether a `mien` command is one of those that are not run."""
    said = " ".join(words[1:])
    return any(said == start or said.startswith(f"{start} ") for start in ONLY_CHECKED)


def parse(words: list[str]) -> None:
    """Let the command line read the words, without doing what they say.

    Raises:
        Exception: click's, for an option or value that does not exist; AssertionError for a
            command that does not.
    """
    command: Any = typer.main.get_command(app)
    context, rest = command.make_context("mien", words[1:2], resilient_parsing=True), words[1:]
    while hasattr(command, "commands"):
        assert rest, f"{' '.join(words)} names no command"
        assert rest[0] in command.commands, f"there is no command {rest[0]!r}"
        command, rest = command.commands[rest[0]], rest[1:]
    command.make_context(command.name, list(rest), parent=context)


def unknown_words(words: list[str]) -> list[str]:
    """Commands and options among the words that the command line does not have."""
    command: Any = typer.main.get_command(app)
    rest = list(words[1:])
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        if rest[0] not in command.commands:
            return [rest[0]]
        command = command.commands[rest.pop(0)]
    known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    given = {word.split("=")[0] for word in rest if re.fullmatch(r"--[a-z][a-z-]*(=.*)?", word)}
    return sorted(given - known - {"--help"})


def test_commands_mentioned_anywhere_exist() -> None:
    unknown = {
        f"{page}: {command}": words
        for page, command in MENTIONS
        if (words := unknown_words(words_of(command)))
    }
    assert unknown == {}


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=[": ".join(pair) for pair in COMMANDS])
def test_a_command_of_the_documents(
    page: str, command: str, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = words_of(command)
    if words[0] == "make":
        subprocess.run(["make", "-n", *words[1:]], cwd=ROOT, check=True, capture_output=True)
    elif words[0] == "mien":
        monkeypatch.chdir(workplace)
        monkeypatch.setenv("MIEN_DATA_DIR", str(workplace / "data"))
        parse(words)
        if not checked_only(words):
            if words[1:3] == ["study", "datasets"]:
                words += ["--out", "facts.json"]  # never over the kept one
            if "--robustness" in words:  # what a hundred pictures cost, four show
                words[words.index("--robustness") + 1] = "4"
            done = CliRunner().invoke(app, words[1:])
            assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
            assert done.exit_code == 0, done.output
    elif words[0] in ("python", "streamlit", "pre-commit", "uvicorn", "gunicorn"):
        named = [word for word in words[1:] if word.endswith(".py")]
        assert all((ROOT / name).is_file() for name in named), f"{page} names a missing file"
    else:
        assert words[0] in OTHERS, f"{page}: name {words[0]!r} among the programs of the system"


def test_the_guides_have_commands_and_most_run() -> None:
    mien = [words_of(command) for _, command in COMMANDS if words_of(command)[0] == "mien"]
    assert len(mien) >= 30
    assert sum(not checked_only(words) for words in mien) >= 15
    assert len(MENTIONS) >= 20


def test_a_wrong_word_is_noticed() -> None:
    with pytest.raises(Exception, match="No such option"):
        parse(["mien", "audit", "--data", "x.csv", "--no-such-option"])
    with pytest.raises(AssertionError, match="no command"):
        parse(["mien", "no-such-command"])
    assert unknown_words(["mien", "store", "wash"]) == ["wash"]
    assert unknown_words(["mien", "audit", "--wash", "--data", "x"]) == ["--wash"]
