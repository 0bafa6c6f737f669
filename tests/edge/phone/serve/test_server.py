"""The app's server, asked over real sockets and real TLS."""

from __future__ import annotations

import gzip
import re
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from ecgedge.phone.serve.app import POLICY, make_app
from ecgedge.phone.serve.built import read_app
from ecgedge.phone.serve.certificate import Certificate, own
from ecgedge.sinks.web.access import Access
from ecgedge.sinks.web.server import Server

KINDS = {
    "/": "text/html",
    "/index.html": "text/html",
    "/sw.js": "text/javascript",
    "/draw/sweep.js": "text/javascript",
    "/core/ecgedge.wasm": "application/wasm",
    "/manifest.webmanifest": "application/manifest+json",
    "/python/ecgedge.whl": "application/zip",
    "/empty.css": "text/css",
    "/SHA256SUMS": "text/plain",
}


@contextmanager
def served(folder: Path, host: str = "127.0.0.1", certificate: Certificate | None = None) -> Iterator[Server]:
    """The server, as the command starts it."""
    built = read_app(folder)
    access = Access(host, names=certificate.names if certificate else ())
    tls = (
        {"ssl_certfile": str(certificate.file), "ssl_keyfile": str(certificate.key)} if certificate else None
    )
    with closing(Server(lambda own: make_app(built, access, own), host, 0, option="--at", tls=tls)) as server:
        yield server


@pytest.fixture
def ask(folder: Path, asker: Any) -> Iterator[Any]:
    with served(folder) as server:
        yield asker(server.port)


def test_each_file_has_its_type_and_the_headers(ask: Any, folder: Path) -> None:
    for path, kind in KINDS.items():
        answer, body = ask(path)
        assert answer.status == 200
        assert body == (folder / (path[1:] or "index.html")).read_bytes()
        assert answer.getheader("content-type").partition(";")[0] == kind
        assert answer.getheader("content-security-policy") == POLICY
        assert answer.getheader("x-content-type-options") == "nosniff"
        assert answer.getheader("referrer-policy") == "no-referrer"
        assert answer.getheader("cross-origin-opener-policy") == "same-origin"
        assert answer.getheader("cache-control") == "no-cache"
        assert answer.getheader("server") is None


def test_the_policy_is_the_apps_own() -> None:
    """Two that differ would be enforced both: what one of them lacks, a phone would not do."""
    app = Path(__file__).parents[4] / "edge" / "phone" / "app"
    page = re.search(
        r'http-equiv="Content-Security-Policy"\s+content="([^"]+)"', (app / "index.html").read_text()
    )
    assert page is not None
    assert f"{' '.join(page[1].split())}; frame-ancestors 'none'" == POLICY


def test_what_was_compressed_is_sent_so_to_who_takes_it(ask: Any, folder: Path) -> None:
    plain, data = ask("/core/ecgedge.wasm")
    packed, short = ask("/core/ecgedge.wasm", Accept_Encoding="gzip, deflate, br, zstd")
    assert packed.getheader("content-encoding") == "gzip"
    assert packed.getheader("content-type") == "application/wasm"
    assert gzip.decompress(short) == data
    assert len(short) < len(data)
    assert packed.getheader("etag") != plain.getheader("etag")
    assert plain.getheader("vary") == packed.getheader("vary") == "Accept-Encoding"
    assert ask("/core/ecgedge.wasm", Accept_Encoding="gzip;q=0")[0].getheader("content-encoding") is None
    assert ask("/sw.js", Accept_Encoding="gzip")[0].getheader("content-encoding") is None


@pytest.mark.parametrize("accepted", ["", "gzip"])
def test_what_has_not_changed_is_not_sent_again(ask: Any, accepted: str) -> None:
    tag = ask("/", Accept_Encoding=accepted)[0].getheader("etag")
    for given in (tag, f"W/{tag}", f'"other", {tag}'):
        answer, body = ask("/", Accept_Encoding=accepted, If_None_Match=given)
        assert (answer.status, body) == (304, b"")
        assert answer.getheader("etag") == tag
        assert answer.getheader("cache-control") == "no-cache"
    assert ask("/", Accept_Encoding=accepted, If_None_Match='"other"')[0].status == 200


def test_the_app_stays_what_was_checked(ask: Any, folder: Path) -> None:
    before = ask("/sw.js")[1]
    (folder / "sw.js").write_text("another program")
    assert ask("/sw.js")[1] == before


def test_head_says_what_get_would(ask: Any) -> None:
    answer, body = ask("/draw/sweep.js", "HEAD")
    assert (answer.status, body) == (200, b"")
    assert answer.getheader("content-length") == str(23 * 50)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_nothing_but_reading_is_allowed(ask: Any, method: str) -> None:
    assert ask("/", method)[0].status == 405


@pytest.mark.parametrize(
    "path",
    [
        "/draw", "/draw/", "//index.html", "/../phone/sw.js", "/draw/../sw.js", "/%2e%2e/phone/sw.js",
        "/..%2fphone%2fsw.js", "/etc/hostname", "//etc/hostname", "/sw.js%00", "/notes.txt", "/sw.js/",
    ],
)  # fmt: skip
def test_nothing_else_is_there(folder: Path, asker: Any, path: str) -> None:
    (folder / "notes.txt").write_text("mine")
    with served(folder) as server:
        answer, body = asker(server.port)(path)
    assert answer.status == 404
    assert b"mine" not in body


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8360", "", "10.0.0.1", "[::"])
def test_a_foreign_host_is_refused(ask: Any, host: str) -> None:
    assert ask("/", Host=host)[0].status == 403


def test_over_tls_a_client_that_trusts_the_authority_is_content(folder: Path, asker: Any, home: Path) -> None:
    certificate = own(home, "0.0.0.0")
    with served(folder, "0.0.0.0", certificate) as server:
        assert server.url.startswith("https://")
        ask = asker(server.port, certificate.authority)
        answer, body = ask("/")
        assert (answer.status, body) == (200, (folder / "index.html").read_bytes())
        assert ask("/", name="127.0.0.1")[0].status == 200
        for name in certificate.names:
            shown = f"[{name}]" if ":" in name else name
            assert ask("/", Host=f"{shown}:{server.port}")[0].status == 200
        assert ask("/", Host="evil.example")[0].status == 403
        # Another authority of the same name vouches for nothing here.
        other = own(home / "other", "0.0.0.0")
        with pytest.raises(ssl.SSLCertVerificationError):
            asker(server.port, other.authority)("/")


def test_old_versions_of_tls_are_not_spoken(folder: Path, home: Path) -> None:
    import socket

    certificate = own(home, "127.0.0.1")
    with served(folder, "127.0.0.1", certificate) as server:
        context = ssl.create_default_context(cafile=str(certificate.authority))
        with (
            socket.create_connection(("127.0.0.1", server.port), 20) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as secured,
        ):
            assert secured.version() == "TLSv1.3"
