"""``--web``: the live page of a command that streams."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecgedge.cli.output import say, warn

if TYPE_CHECKING:
    from ecgedge.cli.live.recorders import OpenRecorder
    from ecgedge.gateway.shared import EachOwn
    from ecgedge.sinks.sink import Sink
    from ecgedge.sinks.web.hub import Hub
    from ecgedge.sinks.web.server import PageServer
    from ecgedge.sinks.web.wearable import Wearable

__all__ = ["OpenPage", "WebOptions", "open_page"]

_PLACE = "127.0.0.1:8350"
_LEAST_TOKEN = 16  # characters: fewer can be tried out
_MOST_TOKEN = 4096
_MOST_SHARED = 40_000  # items of a ward of hundreds: half a minute
_VARIABLE = "ECGEDGE_WEB_TOKEN"


@dataclass(frozen=True, slots=True)
class WebOptions:
    """Options of every command whose stream a page shows."""

    web: Annotated[
        bool, typer.Option("--web", help="Also show a page in the browser (docs/live-page.md).")
    ] = False
    web_at: Annotated[
        str | None,
        typer.Option(
            "--web-at",
            metavar="HOST:PORT",
            help=f"Where the page is, {_PLACE} without it; other machines reach 0.0.0.0:8350, with a token.",
        ),
    ] = None
    web_token: Annotated[
        Path | None,
        typer.Option("--web-token", help="File that holds the token; made where it is not there."),
    ] = None

    @property
    def asked(self) -> bool:
        """Whether there is to be a page."""
        return self.web or self.web_at is not None or self.web_token is not None


class OpenPage:
    """The page of a command, or nothing where none was asked for."""

    def __init__(self, hub: Hub | None = None, server: PageServer | None = None) -> None:
        self._hub, self._server = hub, server
        self._each: EachOwn[Wearable] | None = None
        self._queued: Any = None

    def __enter__(self) -> OpenPage:
        return self

    def __exit__(self, *_: object) -> None:
        if self._server:
            self._server.close()

    @property
    def hint(self) -> str:
        """Where the page is, for the frame of the live view: a token of this run stands on stderr alone."""
        return self._server.url if self._server else ""

    def add(self, name: str, *, recorder: OpenRecorder | None = None, **options: Any) -> list[Sink]:
        """Return the sink of a wearable on the page; see :meth:`ecgedge.sinks.web.hub.Hub.add`."""
        if self._hub is None:
            return []
        from ecgedge.sinks.queued import EVENTS, Queued
        from ecgedge.sinks.web.recorded import Recorded
        from ecgedge_bridge.values import SampleBlock

        patience_s = options.pop("patience_s", 0.0)
        older = Recorded(recorder.paths) if recorder else None
        wearable = self._hub.add(name, older=older, **options)
        kinds = (*EVENTS, SampleBlock)
        return [Queued(wearable, "page", tell=warn, kinds=kinds, patience_s=patience_s)]

    def share(self, name: str, *, recorder: OpenRecorder | None = None, **options: Any) -> list[Sink]:
        """Return the same for one of many: a queue and a thread serve all of them."""
        if self._hub is None:
            return []
        from ecgedge.gateway.shared import EachOwn, Front
        from ecgedge.sinks.queued import EVENTS, Queued
        from ecgedge.sinks.sink import Of
        from ecgedge.sinks.web.recorded import Recorded
        from ecgedge_bridge.values import SampleBlock

        if self._each is None:
            self._each = EachOwn()
            self._queued = Queued(self._each, "page", tell=warn, kinds=(Of,), most=_MOST_SHARED)
        older = Recorded(recorder.paths) if recorder else None
        self._each.put(name, self._hub.add(name, older=older, **options))
        return [Front(self._queued, name, (*EVENTS, SampleBlock))]

    def close(self) -> None:
        """Let those who look see the end of what is shared."""
        if self._queued is not None:
            self._queued.close()

    def stay(self, as_json: bool) -> None:
        """Go on showing what came, after a stream that has an end, until Ctrl-C."""
        if self._server is None:
            return
        (warn if as_json else say)(f"The page stays at {self._server.url} until Ctrl-C.")
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


def open_page(options: WebOptions, title: str, *, speed: float = 1.0) -> OpenPage:
    """Open the page that ``--web`` and its like ask for, and say where it is.

    Raises
    ------
    ConfigError
        The extra is not installed, the port is taken, or the token is no good.
    """
    if not options.asked:
        return OpenPage()
    from ecgedge.sinks.outlets.extras import library

    library("starlette", "web")
    from ecgedge.sinks.outlets.target import LOOPBACK, host_and_port
    from ecgedge.sinks.web.hub import Hub
    from ecgedge.sinks.web.server import PageServer

    place = _PLACE if options.web_at is None else options.web_at
    host, port = host_and_port(place, "--web-at")
    token, kept_in = _token(options.web_token, needed=host not in LOOPBACK)
    hub = Hub(title, speed=speed)
    server = PageServer(hub, host, port, token)
    # A token that is kept stays out of logs: whoever may read it knows where it is.
    url = server.url if kept_in else server.url_with_token
    warn(f"page: {url}" + (f" (its token is in {kept_in})" if kept_in else ""))
    if host not in LOOPBACK:
        warn("whoever reaches this machine and has the token sees the page, unencrypted on the way")
    return OpenPage(hub, server)


def _token(file: Path | None, *, needed: bool) -> tuple[str | None, str]:
    """Return the token and where it is kept: a file, the environment, or nowhere for a new one."""
    from ecgedge.sinks.web.access import new_token
    from ecgedge_bridge.errors import ConfigError

    token, kept_in = os.environ.get(_VARIABLE), f"${_VARIABLE}"
    if file is not None:
        token, kept_in = _kept(file.expanduser()), str(file)
    if token is None:
        return new_token() if needed else None, ""
    if len(token) < _LEAST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError(
            f"the page's token must be {_LEAST_TOKEN} or more ASCII characters without spaces: "
            "delete its file, and another is made"
        )
    return token, kept_in


def _kept(file: Path) -> str:
    """Return the token in a file of its owner alone, which is made where there is none."""
    from ecgedge.sinks.web.access import new_token
    from ecgedge_bridge.errors import ConfigError
    from ecgedge_bridge.files import read_text

    try:
        with suppress(FileExistsError):
            file.touch(0o600, exist_ok=False)
            file.write_text(new_token() + "\n")
        return read_text(file, _MOST_TOKEN).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not a text"
        raise ConfigError(f"token file {file}: {why}: check the path") from error
