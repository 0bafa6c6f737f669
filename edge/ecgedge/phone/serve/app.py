"""What a phone is answered: the app's files by their names, and nothing else of this machine."""

from __future__ import annotations

from pathlib import PurePosixPath

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from ecgedge.phone.serve.built import Asset, BuiltApp
from ecgedge.sinks.web.access import Access
from ecgedge.sinks.web.guard import Guard

__all__ = ["HEADERS", "POLICY", "make_app"]

# That of the page itself (its meta tag), and nobody's frame, which a meta tag cannot say. Pyodide compiles
# WebAssembly, which a policy counts as evaluation.
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Not the system's table, which differs: a browser compiles WebAssembly while it arrives only as
# application/wasm, and runs no module that is not JavaScript by its type.
_KINDS = {
    "": "text/plain",  # SHA256SUMS
    ".css": "text/css",
    ".gz": "application/gzip",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".md": "text/plain",
    ".mjs": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".toml": "text/plain",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".whl": "application/zip",
    ".zip": "application/zip",
}


def make_app(built: BuiltApp, access: Access, port: int) -> ASGIApp:
    """Make the ASGI application that hands an app out.

    Parameters
    ----------
    built : BuiltApp
    access : Access
        Whose names it answers to.
    port : int
        Where it will listen.
    """

    def answer(request: Request) -> Response:
        name = request.path_params["name"] or "index.html"
        asset = built.files.get(name)
        if asset is None:
            return PlainTextResponse("There is no such file of the app.", 404)
        return _answer(name, asset, request.headers)

    # GET brings HEAD with it; all other methods are refused.
    return Guard(Starlette(routes=[Route("/{name:path}", answer, methods=["GET"])]), access, port, HEADERS)


def _answer(name: str, asset: Asset, asked: Headers) -> Response:
    packed = asset.gzipped if _takes_gzip(asked.get("accept-encoding", "")) else None
    tag = f'"{asset.sha256[:32]}{"-gzip" if packed is not None else ""}"'
    # Asked for again each time, answered in a line if it is the same: the newest app, and little traffic.
    headers = {"Cache-Control": "no-cache", "ETag": tag}
    if asset.gzipped is not None:
        headers["Vary"] = "Accept-Encoding"
    if tag in [one.strip().removeprefix("W/") for one in asked.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    if packed is not None:
        headers["Content-Encoding"] = "gzip"
    kind = _KINDS.get(PurePosixPath(name).suffix, "application/octet-stream")
    return Response(asset.data if packed is None else packed, headers=headers, media_type=kind)


def _takes_gzip(accepted: str) -> bool:
    """Whether a browser takes gzip (RFC 9110, 12.5.3); ``gzip;q=0`` says that it does not.

    Examples
    --------
    >>> _takes_gzip("br, gzip;q=0.5"), _takes_gzip("gzip;q=0"), _takes_gzip("")
    (True, False, False)
    """
    for one in accepted.split(","):
        coding, _, weight = one.partition(";")
        if coding.strip().lower() in ("gzip", "x-gzip"):
            return weight.replace(" ", "").rstrip("0.") not in ("q=", "q")
    return False
