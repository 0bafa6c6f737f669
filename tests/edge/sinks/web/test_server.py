"""The page's server, asked over real sockets."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPResponse
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgedge.sinks.web.access import Access
from ecgedge.sinks.web.hub import Hub
from ecgedge.sinks.web.server import PageServer
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import SampleBlock

client = pytest.importorskip("websockets.sync.client")
exceptions = pytest.importorskip("websockets.exceptions")

TOKEN = "correct-horse-battery"
FS = 130.0


def block(first: int, n: int = 130) -> SampleBlock:
    return SampleBlock(np.zeros(n, np.float32), fs=FS, sample=first)


class Served:
    """A page that is served, and what a program asks of it."""

    def __init__(self, token: str | None = None, host: str = "127.0.0.1") -> None:
        self.marked: list[str] = []
        self.hub = Hub("test")
        self.wearable = self.hub.add("strap", mark=self.marked.append)
        self.wearable.take([block(0, 1300)])
        self.server = PageServer(self.hub, host, 0, token)
        self.host = f"127.0.0.1:{self.server.port}"

    def ask(
        self, path: str, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> tuple[HTTPResponse, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, {"Host": self.host} | named)
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def mark(self, body: Any, **headers: str) -> int:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"Content_Type": "application/json"} | headers
        return self.ask("/mark", "POST", raw, **given)[0].status

    def view(self, **options: Any) -> Any:
        return client.connect(f"ws://{self.host}/stream", proxy=None, open_timeout=20, **options)

    def cookie(self) -> str:
        answer, _ = self.ask(f"/?token={TOKEN}")
        return (answer.getheader("set-cookie") or "").partition(";")[0]


@pytest.fixture
def open_page() -> Iterator[Served]:
    served = Served()
    yield served
    served.server.close()


@pytest.fixture
def guarded() -> Iterator[Served]:
    served = Served(TOKEN)
    yield served
    served.server.close()


def test_the_page_and_what_it_needs_are_there_with_strict_headers(open_page: Served) -> None:
    for path, kind in {
        "/": "text/html",
        "/assets/app.js": "javascript",
        "/assets/style.css": "text/css",
    }.items():
        answer, body = open_page.ask(path)
        assert answer.status == 200
        assert kind in (answer.getheader("content-type") or "")
        assert body
        policy = answer.getheader("content-security-policy") or ""
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert answer.getheader("x-content-type-options") == "nosniff"


@pytest.mark.parametrize(
    "path", ["/assets/../app.py", "/assets/%2e%2e/app.py", "/app.py", "/assets/..%2f..%2fapp.py"]
)
def test_nothing_else_of_this_machine_is_served(open_page: Served, path: str) -> None:
    assert open_page.ask(path)[0].status == 404


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8350", "localhost.evil.example", "", "10.0.0.1", "[::"]
)
def test_a_foreign_host_is_refused(open_page: Served, host: str) -> None:
    assert open_page.ask("/", Host=host)[0].status == 403
    assert open_page.mark({"wearable": 0}, Host=host) == 403
    assert open_page.marked == []


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "file://", "http://127.0.0.1:1", "http://[::", "ws://x"]
)
def test_a_foreign_origin_is_refused(open_page: Served, origin: str) -> None:
    assert open_page.mark({"wearable": 0}, Origin=origin) == 403
    with pytest.raises(exceptions.InvalidStatus, match="403"), open_page.view(origin=origin):
        pass
    assert open_page.marked == []


def test_the_own_origin_is_not(open_page: Served) -> None:
    own = f"http://{open_page.host}"
    assert open_page.mark({"wearable": 0, "text": "stairs"}, Origin=own) == 204
    assert open_page.marked == ["stairs"]
    with open_page.view(origin=own) as viewer:
        assert json.loads(viewer.recv(20))["type"] == "hello"


def test_without_the_token_nothing_is_shown(guarded: Served) -> None:
    for path in (
        "/",
        "/strip?start_s=0&seconds=1",
        "/assets/app.js",
        "/?token=",
        "/?token=wrong",
        "/?token=%FF",
    ):
        answer, body = guarded.ask(path)
        assert answer.status == 401
        assert b"strap" not in body
        assert answer.getheader("set-cookie") is None
    assert guarded.mark({"wearable": 0}) == 401
    with pytest.raises(exceptions.InvalidStatus, match="403"), guarded.view():
        pass
    wrong = {"Cookie": f"ecgedge_{guarded.server.port}={TOKEN}"}  # the token itself is no cookie
    assert guarded.ask("/", **wrong)[0].status == 401
    assert guarded.marked == []


def test_the_token_opens_the_page(guarded: Served) -> None:
    answer, _ = guarded.ask(f"/?token={TOKEN}")
    cookie = answer.getheader("set-cookie") or ""
    assert answer.status == 200
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert TOKEN not in cookie
    kept = guarded.cookie()
    assert guarded.ask("/", Cookie=kept)[0].status == 200
    assert guarded.mark({"wearable": 0, "text": "x"}, Cookie=kept) == 204
    with guarded.view(additional_headers={"Cookie": kept}) as viewer:
        assert json.loads(viewer.recv(20))["type"] == "hello"


def test_another_token_makes_another_cookie() -> None:
    assert Access("0.0.0.0", "a" * 20).cookie != Access("0.0.0.0", "b" * 20).cookie
    assert "a" * 20 not in repr(Access("0.0.0.0", "a" * 20))


@given(st.text(max_size=30))
def test_no_cookie_and_no_token_raises(text: str) -> None:
    access = Access("0.0.0.0", TOKEN)
    assert not access.admits(text)
    assert access.knows(text) == (text == TOKEN)
    assert isinstance(access.names_this_machine(text), bool)
    assert isinstance(access.is_own(text, text), bool)


def test_on_the_network_addresses_and_its_own_names_are_the_machines() -> None:
    access = Access("0.0.0.0", TOKEN)
    name = socket.gethostname()
    for host in (
        "192.168.1.7:8350",
        "[fe80::1]:8350",
        f"{name}:8350",
        f"{name.split('.')[0]}.local",
        "localhost",
    ):
        assert access.names_this_machine(host)
    assert not access.names_this_machine("evil.example")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"[]", 400), (b"\xff", 400), (b"[" * 4000, 400), (b" " * 100_000, 400), (b"null", 400),
        (b'{"wearable": true}', 400), (b'{"wearable": 0, "text": 7}', 400), (b'{"wearable": 9}', 409),
        (b'{"wearable": -1}', 409), (b"{}", 204),
    ],
)  # fmt: skip
def test_a_mark_is_checked(open_page: Served, body: bytes, status: int) -> None:
    assert open_page.mark(body) == status


def test_a_form_of_another_page_marks_nothing(open_page: Served) -> None:
    assert open_page.mark(b'{"wearable": 0}', Content_Type="text/plain") == 415
    assert open_page.ask("/mark")[0].status == 405
    assert open_page.marked == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("start_s=1&seconds=2", 200),
        ("", 400), ("start_s=nan&seconds=2", 400), ("start_s=0&seconds=inf", 400),
        ("start_s=0&seconds=61", 400), ("start_s=0&seconds=0", 400), ("start_s=-1&seconds=2", 400),
        ("start_s=x&seconds=2", 400), ("start_s=500&seconds=2", 404), ("wearable=7&start_s=0&seconds=1", 404),
        ("wearable=1e3&start_s=0&seconds=1", 400), ("wearable=-1&start_s=0&seconds=1", 404),
    ],
)  # fmt: skip
def test_a_strip_is_checked(open_page: Served, query: str, status: int) -> None:
    assert open_page.ask(f"/strip?{query}")[0].status == status


def test_a_viewer_may_say_anything(open_page: Served) -> None:
    """What makes no sense is passed over; what is too long ends that viewer, and nobody else."""
    with open_page.view() as other, open_page.view() as viewer:
        for text in ("", "x", "[]", '{"type": "now"}', '{"type": 7}', "[" * 1000):
            viewer.send(text)
        viewer.recv(20)
        with suppress(exceptions.ConnectionClosed):  # the server may hang up before all of it is sent
            viewer.send("x" * 10_000)
        with pytest.raises(exceptions.ConnectionClosed):
            _read_to_the_end(viewer)
        assert json.loads(other.recv(20))["type"] == "hello"


def test_viewers_are_bounded_and_one_that_goes_makes_room(open_page: Served) -> None:
    with ExitStack() as viewers:
        for _ in range(16):
            viewers.enter_context(open_page.view()).recv(20)
        with open_page.view() as late, pytest.raises(exceptions.ConnectionClosed) as closed:
            late.recv(20)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1013
    for _ in range(200):
        with open_page.view() as next_one, suppress(exceptions.ConnectionClosed):
            assert json.loads(next_one.recv(20))["type"] == "hello"
            return
        time.sleep(0.05)
    pytest.fail("no viewer was let in after all had gone")


def test_a_frozen_viewer_keeps_nobody_waiting(open_page: Served) -> None:
    """It reads nothing, at a hundred times the signal of an H10: the others and the stream go on."""
    frozen = socket.create_connection(("127.0.0.1", open_page.server.port))
    frozen.sendall(
        f"GET /stream HTTP/1.1\r\nHost: {open_page.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    with frozen, open_page.view() as viewer:
        for at in range(10, 400):
            open_page.wearable.take([block(at * 130, 130)])
            if at % 10 == 0:
                # Its own frames still come: the newest sample is sent to it.
                while not (isinstance(got := viewer.recv(20), bytes) and _end(got) == (at + 1) * 130):
                    pass


def _read_to_the_end(viewer: Any) -> None:
    while True:
        viewer.recv(20)


def _end(frame: bytes) -> int:
    n = int.from_bytes(frame[4:8], "little")
    return int(np.frombuffer(frame, "<f8", 1, 8)[0]) + n


def test_a_port_that_is_taken_is_said(open_page: Served) -> None:
    with pytest.raises(ConfigError, match="--web-at"):
        PageServer(Hub("other"), "127.0.0.1", open_page.server.port, None)


def test_closing_ends_the_threads() -> None:
    served = Served()
    with served.view() as viewer:
        viewer.recv(20)
        served.server.close()
        with pytest.raises(exceptions.ConnectionClosed):
            _read_to_the_end(viewer)
    assert not any(thread.name == "ecgedge page" for thread in threading.enumerate())
