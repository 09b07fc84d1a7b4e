"""A small web server beside the app, for machines: /metrics, /live and /ready.

It listens on an address of its own, so that it can be kept from the public, and it does not
hang behind the app's event loop.
"""

import json
import logging
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from services.operations.checks import Check
from services.operations.prometheus import Metrics

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

logger = logging.getLogger(__name__)


class ProbeServer:
    """Serves until stopped, on a thread of its own; ready if none of the checks failed.

    Raises:
        OSError: the port is taken; 0 is any free one, see `port`.
    """

    def __init__(
        self,
        metrics: Metrics,
        readiness: Callable[[], Iterable[Check]],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._metrics_app, self._readiness = make_wsgi_app(metrics.registry), readiness
        self._server = make_server(
            host, port, self._answer, ThreadingWSGIServer, handler_class=_SilentHandler
        )
        self.port = self._server.server_port
        serve = self._server.serve_forever
        threading.Thread(target=serve, name="mien-probes", daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            answer: Iterable[bytes] = self._metrics_app(environ, start_response)
            return answer
        if path == "/live":
            return _json(start_response, HTTPStatus.OK, {"live": True})
        if path == "/ready":
            return self._ready(start_response)
        return _json(
            start_response, HTTPStatus.NOT_FOUND, {"paths": ["/metrics", "/live", "/ready"]}
        )

    def _ready(self, start_response: "StartResponse") -> Iterable[bytes]:
        try:
            checks = list(self._readiness())
        except Exception:
            logger.exception("readiness could not be checked")
            return _json(start_response, HTTPStatus.SERVICE_UNAVAILABLE, {"ready": False})
        ready = all(check.state != "bad" for check in checks)
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        body = {"ready": ready, "checks": {check.name: check.state for check in checks}}
        return _json(start_response, status, body)


class _SilentHandler(WSGIRequestHandler):
    """Logs no requests: a probe comes every few seconds."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _json(start_response: "StartResponse", status: HTTPStatus, body: Any) -> list[bytes]:
    content = json.dumps(body).encode() + b"\n"
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
    start_response(f"{status.value} {status.phrase}", headers)
    return [content]
