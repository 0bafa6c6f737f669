"""The door before the page: every request and every WebSocket passes here first."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ecgedge.sinks.web.access import HEADERS, Access

__all__ = ["Guard"]

# What the page that asks for the token needs itself.
_OPEN = ("/assets/style.css", "/assets/icon.svg")
_POLICY_VIOLATION = 1008  # RFC 6455, 7.4.1
# A redirect would do, but for one thing: after a link from elsewhere it counts as that page's request, and
# the browser keeps a cookie that is SameSite=Strict to itself. This page's own step is its own.
_ENTER = (
    '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=/">'
    "<title>ecgedge</title><p>Token accepted. <a href='/'>Go on to the page</a>"
)


class Guard:
    """Refuses who may not look; puts the headers on what is answered.

    Parameters
    ----------
    app : ASGI application
    access : Access
    port : int
        Where it listens: cookies of one host are shared by its ports.
    headers : mapping of str
        What is put on every answer.
    """

    def __init__(self, app: ASGIApp, access: Access, port: int, headers: Mapping[str, str] = HEADERS) -> None:
        self._app, self._access, self._cookie = app, access, f"ecgedge_{port}"
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass."""
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if self._is_foreign(headers) or not self._admits(headers):
            # Before it was accepted: the browser sees 403.
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await (self._refusal(scope) or self._app)(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if self._is_foreign(headers):
            return PlainTextResponse("This is not the page's own address.", 403)
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token")
        if self._access.token is not None and given and scope["path"] == "/":
            return self._entered(given[0])
        if not self._admits(headers) and scope["path"] not in _OPEN:
            return _asking()
        return None

    def _entered(self, token: str) -> Response:
        if not self._access.knows(token.strip()):
            return _asking("That is not the token.")
        answer = HTMLResponse(_ENTER)
        answer.set_cookie(self._cookie, self._access.cookie, httponly=True, samesite="strict")
        return answer

    def _is_foreign(self, headers: Headers) -> bool:
        host, origin = headers.get("host", ""), headers.get("origin")
        return not self._access.names_this_machine(host) or (
            origin is not None and not self._access.is_own(origin, host)
        )

    def _admits(self, headers: Headers) -> bool:
        return self._access.admits(cookie_parser(headers.get("cookie", "")).get(self._cookie, ""))


def _asking(why: str = "") -> Response:
    page = (files("ecgedge.sinks.web") / "token.html").read_text("utf-8")
    return HTMLResponse(page.replace("<!-- why -->", why), 401)
