"""The page's addresses, see ``docs/live-page.md``."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from ecgedge.sinks.web.access import Access
from ecgedge.sinks.web.guard import Guard
from ecgedge.sinks.web.hub import Hub
from ecgedge.sinks.web.viewer import Viewer

__all__ = ["make_app"]

_TICK_S = 1 / 30
# At a time. A page is for a household or a lab; what is for a ward is a gateway.
_MOST_VIEWERS = 16
_TRY_AGAIN_LATER = 1013  # RFC 6455's registry of close codes
_LONGEST_STRIP_S = 60.0
_MOST_BODY = 4096


def make_app(hub: Hub, access: Access, port: int) -> ASGIApp:
    """Make the ASGI application that serves a hub.

    Parameters
    ----------
    hub : Hub
    access : Access
    port : int
        Where it will listen.
    """
    page = files("ecgedge.sinks.web") / "page"
    pages = _Pages(hub)
    routes = [
        Route("/", lambda _: FileResponse(str(page / "index.html"))),
        Route("/strip", pages.strip),
        Route("/mark", pages.mark, methods=["POST"]),
        WebSocketRoute("/stream", pages.stream),
        Mount("/assets", StaticFiles(directory=str(page))),
    ]
    return Guard(Starlette(routes=routes), access, port)


class _Pages:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._viewers = 0
        self._reading = asyncio.Semaphore(1)  # a strip of a file costs a Pi some 10 ms: one at a time

    async def strip(self, request: Request) -> Response:
        """Answer with a stretch of signal."""
        try:
            number = int(request.query_params.get("wearable", "0"))
            start_s, seconds = (float(request.query_params[name]) for name in ("start_s", "seconds"))
        except (KeyError, ValueError):
            return _problem("give wearable, start_s and seconds", 400)
        # Written so that NaN is refused too.
        if not (0 <= start_s < 1e9 and 0 < seconds <= _LONGEST_STRIP_S):
            return _problem(f"a strip takes up to {_LONGEST_STRIP_S:.0f} s", 400)
        async with self._reading:
            found = await run_in_threadpool(self._hub.strip, number, start_s, seconds)
        return _problem("that stretch is not kept", 404) if found is None else JSONResponse(found)

    async def mark(self, request: Request) -> Response:
        """Mark this moment."""
        # A form of a foreign page cannot send this type without asking first.
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return _problem("send application/json", 415)
        given = await _body(request)
        if given is None:
            return _problem('send {"wearable": 0, "text": "..."}', 400)
        if not self._hub.mark(given.get("wearable", 0), given.get("text", "")):
            return _problem("nothing takes marks here", 409)
        return Response(status_code=204)

    async def stream(self, socket: WebSocket) -> None:
        """Send a viewer what comes, for as long as it stays."""
        await socket.accept()
        if self._viewers >= _MOST_VIEWERS:
            await socket.close(_TRY_AGAIN_LATER, "too many viewers")
            return
        self._viewers += 1
        viewer = Viewer(self._hub)
        told = asyncio.create_task(_listen(socket, viewer))
        try:
            due_s = time.monotonic()
            while not told.done():
                for message in viewer.news(time.monotonic()):
                    await (
                        socket.send_text(message) if isinstance(message, str) else socket.send_bytes(message)
                    )
                due_s = max(due_s + _TICK_S, time.monotonic())
                await asyncio.wait([told], timeout=due_s - time.monotonic())
        except (WebSocketDisconnect, RuntimeError):  # starlette's word for a socket that closed meanwhile
            pass
        finally:
            self._viewers -= 1
            told.cancel()


async def _listen(socket: WebSocket, viewer: Viewer) -> None:
    """Hear what a viewer says until it hangs up; what makes no sense is passed over."""
    with suppress(WebSocketDisconnect, RuntimeError, KeyError):
        while True:
            text = await socket.receive_text()
            with suppress(ValueError):
                if json.loads(text) == {"type": "now"}:
                    viewer.now()


async def _body(request: Request) -> dict[str, Any] | None:
    """Return a small JSON object of a number and a text, None for anything else."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BODY:
            return None
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(given, dict) or type(given.get("wearable", 0)) is not int:
        return None
    return given if isinstance(given.get("text", ""), str) else None


def _problem(words: str, status: int) -> Response:
    return JSONResponse({"error": words}, status)
