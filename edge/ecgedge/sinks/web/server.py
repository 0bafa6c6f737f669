"""A page's server: uvicorn in a thread of its own, so that no viewer is ever waited for."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ecgedge.sinks.outlets.extras import library
from ecgedge.sinks.web.access import Access
from ecgedge.sinks.web.hub import Hub
from ecgedge_bridge.errors import ConfigError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["PageServer", "Server"]

# What waits in the system for a viewer that does not read, a minute of signal at most: one that wakes up is
# soon at what is now. Linux doubles it.
_SYSTEM_BYTES = 32 << 10
_BACKLOG = 32
_MOST_CONNECTIONS = 128
_MOST_MESSAGE = 4096  # of a viewer, which says one word
# A viewer that does not answer for so long is gone: a phone that left the house.
_PING_S = 20.0
_CLOSE_S = 3.0


class Server:
    """Serves an ASGI application until it is closed.

    Parameters
    ----------
    make_app : callable
        From the port to the application.
    host : str
        Address to listen on.
    port : int
        0 takes one that is free.
    option : str
        What chose the place, for the error where it is taken.
    tls : mapping
        uvicorn's options for https, from a certificate that was looked at; nothing for http.

    Attributes
    ----------
    port : int
        Where it listens.

    Raises
    ------
    ConfigError
        uvicorn is not installed, or the port is taken.
    """

    def __init__(
        self,
        make_app: Callable[[int], ASGIApp],
        host: str,
        port: int,
        *,
        option: str,
        tls: Mapping[str, Any] | None = None,
    ) -> None:
        uvicorn = library("uvicorn", "web")
        self._socket = _listening(host, port, option)
        self.port: int = self._socket.getsockname()[1]
        self._host, self._scheme = host, "https" if tls else "http"
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        config = uvicorn.Config(
            make_app(self.port),
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=1,
            ws_max_size=_MOST_MESSAGE,
            ws_per_message_deflate=False,  # frames of 16-bit steps hardly shrink, and a Pi has better to do
            ws_ping_interval=_PING_S,
            ws_ping_timeout=_PING_S,
            **(tls or {}),
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="ecgedge page", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Where the page is."""
        host = socket.gethostname() if self._host in ("0.0.0.0", "::") else self._host
        shown = f"[{host}]" if ":" in host else host
        return f"{self._scheme}://{shown}:{self.port}/"

    def close(self) -> None:
        """Hang up on everybody."""
        self._server.should_exit = True
        self._thread.join(_CLOSE_S)
        self._socket.close()


class PageServer(Server):
    """Serves a hub's page until it is closed.

    Parameters
    ----------
    hub : Hub
    host : str
        Address to listen on.
    port : int
        0 takes one that is free.
    token : str or None
        What a viewer has to give, None for nothing.

    Raises
    ------
    ConfigError
        The extra is not installed, or the port is taken.
    """

    def __init__(self, hub: Hub, host: str, port: int, token: str | None) -> None:
        for name in ("uvicorn", "starlette", "websockets"):
            library(name, "web")
        from ecgedge.sinks.web.app import make_app

        self._token = token
        super().__init__(lambda own: make_app(hub, Access(host, token), own), host, port, option="--web-at")

    @property
    def url_with_token(self) -> str:
        """What a browser is given the first time."""
        return self.url + (f"?token={self._token}" if self._token else "")


def _listening(host: str, port: int, option: str) -> socket.socket:
    try:
        place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(place[4][:2], family=place[0], backlog=_BACKLOG)
    except OSError as error:
        raise ConfigError(
            f"cannot show the page on {host}:{port}: {error.strerror}: choose another place with {option}"
        ) from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SYSTEM_BYTES)
    return listener
