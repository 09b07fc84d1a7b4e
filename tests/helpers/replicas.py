"""Two app processes on one PostgreSQL behind nginx, as deploy/docker-compose.yml runs them."""

import contextlib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPMessage
from pathlib import Path

import pytest

from tests.e2e.conftest import free_port
from tests.paths import ROOT

TEMPLATE = ROOT / "deploy" / "nginx" / "mien.conf.template"
START_S = 400.0
STOP_S = 120.0
HOST = "localhost"


@dataclass
class Replica:
    """One `streamlit run serve.py`."""

    port: int
    probes_port: int
    log: Path
    process: "subprocess.Popen[bytes]"

    def metric(self, name: str) -> float:
        """A value of /metrics."""
        with urllib.request.urlopen(f"{self.probes}/metrics", timeout=20) as answer:
            text = answer.read().decode()
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    @property
    def probes(self) -> str:
        """Address of metrics and readiness."""
        return f"http://127.0.0.1:{self.probes_port}"

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=STOP_S)


@dataclass
class Site:
    """What a visitor meets, and what stands behind it."""

    url: str
    port: int
    http_port: int
    folder: Path
    replicas: list[Replica] = field(default_factory=list)

    @property
    def data_dir(self) -> Path:
        """Shared by the replicas."""
        return self.folder / "data"

    def get(
        self, path: str = "/", headers: Mapping[str, str] | None = None, *, method: str = "GET"
    ) -> tuple[int, HTTPMessage]:
        """Status and headers of an answer; raises OSError where there is none."""
        request = urllib.request.Request(
            self.url + path, headers=dict(headers or {}), method=method
        )
        trusting = ssl.create_default_context(cafile=self.folder / "secrets/tls_certificate.pem")
        try:
            with urllib.request.urlopen(request, timeout=120, context=trusting) as answer:
                return answer.status, answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.headers

    def upstream_of(self, route: str) -> int:
        """Port of the replica to which a browser with this cookie is sent."""
        log = self.folder / "nginx.log"
        before = len(log.read_bytes())
        self.get("/_stcore/health", {"Cookie": f"mien_route={route}"})
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            found = re.findall(r'"upstream":"[^"]*:(\d+)"', log.read_text()[before:])
            if found:
                return int(found[-1])
            time.sleep(0.05)
        raise AssertionError("nginx logged nothing")

    def route_to(self, replica: Replica) -> str:
        """A cookie that leads to this replica."""
        for number in range(64):
            route = f"{number:032x}"
            if self.upstream_of(route) == replica.port:
                return route
        raise AssertionError("no cookie leads to that replica")

    def logs(self) -> str:
        """All that replicas and nginx have written."""
        files = [replica.log for replica in self.replicas] + [self.folder / "nginx.log"]
        return "\n".join(file.read_text(errors="replace") for file in files)


def missing_program() -> str:
    """Why replicas cannot be started here; "" where they can."""
    for name in ("nginx", "openssl"):
        if shutil.which(name) is None:
            return f"{name} is not installed"
    return ""


@contextmanager
def started_site(folder: Path, database_url: str) -> Iterator[Site]:
    """Start secrets, replicas and nginx; everything ends with the block, by its PID."""
    reason = missing_program()
    if reason:
        pytest.skip(reason)
    subprocess.run(
        ["sh", ROOT / "deploy/make_secrets.sh", folder / "secrets"],
        check=True, env={**os.environ, "MIEN_SERVER_NAME": HOST},
    )  # fmt: skip
    (folder / "secrets/mien_database_url").write_text(database_url + "\n")
    port = free_port()
    site = Site(f"https://{HOST}:{port}", port, free_port(), folder)
    with ExitStack() as stack:
        for name in ("one", "two"):
            site.replicas.append(stack.enter_context(_replica(folder, name)))
        for replica in site.replicas:
            _wait_for(f"{replica.probes}/ready", replica.log, replica.process)
        stack.enter_context(_nginx(site))
        yield site


@contextmanager
def started_replica(folder: Path, name: str, *options: str) -> Iterator[Replica]:
    """One replica alone, ready; settings are the secret files in `folder`."""
    with _replica(folder, name, *options) as replica:
        _wait_for(f"{replica.probes}/ready", replica.log, replica.process)
        yield replica


@contextmanager
def _replica(folder: Path, name: str, *options: str) -> Iterator[Replica]:
    port, probes_port, log = free_port(), free_port(), folder / f"{name}.log"
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MIEN_", "STREAMLIT_"))}
    environment = {
        **clean,
        "MIEN_SECRETS_DIR": str(folder / "secrets"),
        "MIEN_DATA_DIR": str(folder / "data"),
        "MIEN_METRICS_PORT": str(probes_port),
        "MIEN_LOG_FORMAT": "json",
        "MIEN_PURGE_EVERY_S": "2",
        "STREAMLIT_SERVER_ALLOWED_HOSTS": HOST,
        "STREAMLIT_BROWSER_SERVER_ADDRESS": HOST,
    }
    command = [sys.executable, "-m", "streamlit", "run", "serve.py"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, f"--server.port={port}", "--server.address=127.0.0.1", *options],
            cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            yield Replica(port, probes_port, log, process)
        finally:
            _end(process)


@contextmanager
def _nginx(site: Site) -> Iterator[None]:
    servers = "".join(
        f"server 127.0.0.1:{replica.port} max_fails=2 fail_timeout=5s;"
        for replica in site.replicas
    )
    with started_proxy(site, servers) as process:
        _wait_for_port(site, process)
        yield


@contextmanager
def started_proxy(site: Site, servers: str) -> Iterator["subprocess.Popen[bytes]"]:
    """nginx with the template, before `servers` (its directives of an upstream)."""
    folder = site.folder
    (folder / "mien.conf").write_text(
        filled_template(
            MIEN_SERVER_NAME=HOST,
            MIEN_APP_SERVERS=servers,
            MIEN_HTTP_PORT=str(site.http_port),
            MIEN_HTTPS_PORT=str(site.port),
            MIEN_TLS_CERT=str(folder / "secrets/tls_certificate.pem"),
            MIEN_TLS_KEY=str(folder / "secrets/tls_key.pem"),
            MIEN_UPLOAD_MB="201",
        )
    )
    # As the image's own nginx.conf, but in a folder of ours and without another user.
    (folder / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr warn;\n"
        + ("user root;\n" if os.getuid() == 0 else "")
        + "events { worker_connections 512; }\n"
        f"http {{ client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n"
        f"fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n"
        f"include {folder}/mien.conf; }}\n"
    )
    command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    # A log that anybody may open: as root, the workers are another user.
    with (folder / "nginx.log").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        try:
            _wait_until_open(site.port, process)
            yield process
        finally:
            _end(process)


def _wait_until_open(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)


def filled_template(**values: str) -> str:
    """The template as envsubst fills it; KeyError where a variable has no value."""
    text = TEMPLATE.read_text(encoding="utf-8")
    return re.sub(r"\$\{(MIEN_[A-Z_]+)\}", lambda found: values[found[1]], text)


def _wait_for(url: str, log: Path, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"{url} did not answer:\n{log.read_text(errors='replace')[-3000:]}")


def _wait_for_port(site: Site, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if site.get("/_stcore/health")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"nginx did not start:\n{(site.folder / 'nginx.log').read_text()[-3000:]}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(timeout=STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=20)
