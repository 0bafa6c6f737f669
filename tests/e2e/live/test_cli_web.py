"""``--web``: the page of ``run``, ``demo`` and ``replay``, as whoever starts it and opens it sees it."""

from __future__ import annotations

import http.client
import json
import re
import signal
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.recording.csvwriter import CsvWriter
from ecgedge_bridge.values import SampleBlock

if TYPE_CHECKING:
    from collections.abc import Iterator

client = pytest.importorskip("websockets.sync.client", reason="the extra web is not installed")


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "ecg.csv"
    ecg = synthesize([Segment("sinus", 90.0, 66.0)], 130.0, seed=1)
    with CsvWriter(path) as writer:
        writer.write(SampleBlock(ecg.mv.astype(np.float32), fs=130.0, sample=0))
    return path


class Page:
    """A program that shows a page."""

    def __init__(self, process: Any) -> None:
        self.process = process
        self.said = process.stderr.readline()
        place = re.search(r"http://(127\.0\.0\.1|[\w.-]+):(\d+)/(?:\?token=(\S+))?", self.said)
        assert place is not None, self.said
        self.port, self.token = int(place[2]), place[3]

    def ask(self, path: str, method: str = "GET", body: Any = None, **headers: str) -> tuple[int, bytes, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        raw = None if body is None else json.dumps(body).encode()
        connection.request(method, path, raw, {"Content-Type": "application/json"} | headers)
        answer = connection.getresponse()
        got = answer.status, answer.read(), answer.getheader("set-cookie") or ""
        connection.close()
        return got

    def until(self, kind: str, wanted: Any) -> dict[str, Any]:
        """Wait for a message."""
        with client.connect(f"ws://127.0.0.1:{self.port}/stream", proxy=None, open_timeout=60) as viewer:
            while True:
                message = viewer.recv(120)
                if isinstance(message, str) and (got := json.loads(message))["type"] == kind and wanted(got):
                    return dict(got)


@contextmanager
def shown(program: Any, *options: str, at: str = "127.0.0.1:0", **environment: str) -> Iterator[Page]:
    import os

    with program.start("--web-at", at, *options, env=os.environ | environment) as process:
        try:
            yield Page(process)
        finally:
            process.kill()


def test_a_replayed_file_stays_to_be_looked_through(program: Any, recording: Path) -> None:
    with shown(program.cli("replay", str(recording))) as page:
        state = page.until("state", lambda state: state["ended"])
        assert state["rhythm"]["words"] == "sinus rhythm"
        status, body, _ = page.ask("/strip?wearable=0&start_s=2&seconds=10")
        assert (status, len(json.loads(body)["mv"])) == (200, 1300)
        assert page.ask("/mark", "POST", {"wearable": 0})[0] == 409
        page.process.send_signal(signal.SIGINT)
        out, errors = page.process.communicate(timeout=60)
    assert page.process.returncode == 0, errors
    assert "until Ctrl-C" in out


def test_a_pace_is_kept_and_finds_the_same(program: Any, recording: Path) -> None:
    fast = program.cli("replay", str(recording), "--json").run()
    paced = program.cli("replay", str(recording), "--json", "--speed", "60").run()
    assert paced.stdout == fast.stdout


def test_what_was_felt_is_in_the_recording_and_in_the_report(
    on_strap: Any, tmp_path: Path, program: Any
) -> None:
    file = tmp_path / "night.db"
    with shown(on_strap("run", "Polar H10"), "--json", "--record", str(file)) as page:
        page.until("state", lambda state: state["now_s"] > 20)
        assert page.ask("/mark", "POST", {"wearable": 0, "text": "<b>stairs</b>"})[0] == 204
        page.until("timeline", lambda line: line["marks"])
        page.process.send_signal(signal.SIGTERM)
        out, _ = page.process.communicate(timeout=60)
    marks = [event for event in map(json.loads, out.splitlines()) if event["type"] == "mark"]
    assert [mark["text"] for mark in marks] == ["<b>stairs</b>"]
    done = program.cli("report", str(file), "-o", str(tmp_path / "report.html")).run()
    assert done.returncode == 0, done.stderr
    assert "&lt;b&gt;stairs&lt;/b&gt;" in (tmp_path / "report.html").read_text()


def test_on_the_network_a_token_is_made_for_this_run(program: Any, recording: Path) -> None:
    with shown(program.cli("replay", str(recording)), at="0.0.0.0:0") as page:
        assert page.token
        assert "unencrypted" in page.process.stderr.readline()
        assert page.ask("/")[0] == 401
        status, _, cookie = page.ask(f"/?token={page.token}")
        assert status == 200
        assert page.ask("/", Cookie=cookie.partition(";")[0])[0] == 200


def test_a_token_that_is_kept_is_made_once_and_never_printed(
    program: Any, recording: Path, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    tokens = set()
    for _ in range(2):
        with shown(program.cli("replay", str(recording)), "--web-token", str(file)) as page:
            assert page.token is None
            assert str(file) in page.said
            tokens.add(file.read_text().strip())
            assert not any(token in page.said for token in tokens)
            assert page.ask("/")[0] == 401
            assert page.ask(f"/?token={file.read_text().strip()}")[0] == 200
    assert len(tokens) == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_token_may_come_from_the_environment(program: Any, recording: Path) -> None:
    given = {"ECGEDGE_WEB_TOKEN": "0123456789abcdef"}
    with shown(program.cli("replay", str(recording)), **given) as page:
        assert given["ECGEDGE_WEB_TOKEN"] not in page.said
        assert page.ask("/")[0] == 401


@pytest.mark.parametrize("token", ["short", "a b c d e f g h i j k l", "ä" * 20, ""])
def test_a_token_that_is_none_is_refused(program: Any, recording: Path, tmp_path: Path, token: str) -> None:
    (tmp_path / "token").write_text(token)
    done = program.cli("replay", str(recording), "--web", "--web-token", str(tmp_path / "token")).run()
    assert done.returncode == 1
    assert done.stderr.startswith("ecgedge: the page's token must be 16")
    assert done.stdout == ""


@pytest.mark.parametrize(
    "place", ["", "x", "127.0.0.1", "127.0.0.1:99999", ":-1", "no.such.host.invalid:8350"]
)
def test_a_place_that_cannot_be_is_refused_in_one_line(program: Any, recording: Path, place: str) -> None:
    done = program.cli("replay", str(recording), "--web-at", place).run()
    assert done.returncode == 1
    assert "--web-at" in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_the_extra_the_pip_line_is_told(program: Any, recording: Path) -> None:
    without = "import sys\nsys.modules['starlette'] = None"
    done = program.cli("replay", str(recording), "--web", before=without).run()
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "pip install 'ecgedge[web]'" in done.stderr


def test_the_demo_is_a_page_too(program: Any) -> None:
    pytest.importorskip("bumble", reason="the extra sim is not installed")
    with shown(program.cli("demo", "--speed", "40")) as page:
        page.until("state", lambda state: (state["rhythm"] or {}).get("label") == "A")
        noisy = page.until("state", lambda state: (state["quality"] or {}).get("accepted") is False)
        assert noisy["quality"]["words"].startswith("too noisy, because of ")
