"""A small app as a build leaves it, and what a browser would ask of its server."""

from __future__ import annotations

import gzip
import http.client
import ssl
from collections.abc import Callable
from hashlib import sha256
from http.client import HTTPResponse
from pathlib import Path

import pytest

FILES = {
    "index.html": b"<!doctype html><title>app</title>" * 40,
    "sw.js": b"self.addEventListener('fetch', () => {});",
    "draw/sweep.js": b"export const place = 1;" * 50,
    "core/ecgedge.wasm": b"\0asm\1\0\0\0" + bytes(3000),
    "manifest.webmanifest": b"{}",
    "python/ecgedge.whl": b"PK\5\6" + bytes(18),
    "empty.css": b"",
}
PACKED = ("index.html", "draw/sweep.js", "core/ecgedge.wasm", "empty.css")


def sums(folder: Path) -> None:
    """Write the list of digests anew."""
    names = sorted(str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file())
    lines = [
        f"{sha256((folder / name).read_bytes()).hexdigest()}  {name}\n"
        for name in names
        if name != "SHA256SUMS"
    ]
    (folder / "SHA256SUMS").write_text("".join(lines))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A built app."""
    root = tmp_path / "phone"
    for name, data in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    for name in PACKED:
        (root / f"{name}.gz").write_bytes(gzip.compress(FILES[name], mtime=0))
    sums(root)
    return root


@pytest.fixture
def list_anew() -> Callable[[Path], None]:
    """What writes the list of digests anew."""
    return sums


class Asker:
    """A client of a server on this machine."""

    def __init__(self, port: int, trusted: Path | None = None) -> None:
        self.port, self._trusted = port, trusted

    def __call__(
        self, path: str, method: str = "GET", name: str = "localhost", **headers: str
    ) -> tuple[HTTPResponse, bytes]:
        """Ask for a path exactly as it is written; over TLS where something is trusted."""
        connection: http.client.HTTPConnection
        if self._trusted is None:
            connection = http.client.HTTPConnection(name, self.port, timeout=20)
        else:
            context = ssl.create_default_context(cafile=str(self._trusted))
            connection = http.client.HTTPSConnection(name, self.port, timeout=20, context=context)
        try:
            connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()


@pytest.fixture
def asker() -> type[Asker]:
    """What makes clients."""
    return Asker


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder of data that no other test has seen."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "ecgedge" / "phone"
