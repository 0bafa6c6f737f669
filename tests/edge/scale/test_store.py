"""Recordings in an object store and on a web server: copied, analysed, and not kept."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ecgedge.scale.places import Input, find_inputs, shown
from ecgedge.scale.plan import Plan
from ecgedge.scale.receipts import all_receipts
from ecgedge.scale.resume import sorted_out
from ecgedge.scale.task import do

Plans = Callable[[Path], Plan]
Lines = Callable[[Path, str], list[str]]
# What a client of the store and its test double do inside.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


@pytest.fixture(scope="module")
def store(study: Path) -> Iterator[Any]:
    """An object store with the study in it, and a client that may change it."""
    server = pytest.importorskip("moto.server", reason="moto[server] is not installed")
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    import boto3

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        running = server.ThreadedMotoServer("127.0.0.1", 0)
        running.start()
        address, port = running.get_host_and_port()
        patch.setenv("AWS_ENDPOINT_URL", f"http://{address}:{port}")
        client = boto3.client("s3")
        client.create_bucket(Bucket="study")
        for file in study.rglob("*"):
            if file.is_file():
                client.upload_file(str(file), "study", f"heart/{file.relative_to(study)}")
        yield client
        running.stop()


def test_a_bucket_gives_the_same_lines_as_the_files(
    store: Any,
    study: Path,
    tmp_path: Path,
    program: Any,
    lines: Lines,
    replayed: Callable[..., list[str]],
    broken: frozenset[str],
) -> None:
    out = tmp_path / "out"
    done = program.cli().run(
        "batch", "s3://study/heart", "--out", str(out), "--workers", "2", "--json", "--waves"
    )
    assert done.returncode == 1
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert {Path(one["input"]).name for one in said[:-1] if one["error"]} == broken
    assert said[-1]["recordings"] == 8
    assert "/tmp" not in done.stderr  # where a copy was tells nobody anything
    for name in ("deeper/100.hea", "ours.db", "polar.cap", "gap.csv"):
        assert lines(out, f"/{name}") == replayed(study / name, "--waves")
    files = {file.name: file for one in all_receipts(out) for file in one.files}
    assert files["s3://study/heart/deeper/100.dat"].bytes == (study / "deeper" / "100.dat").stat().st_size


def test_an_object_that_changed_is_done_again(
    store: Any, study: Path, tmp_path: Path, planned: Plans
) -> None:
    plan = planned(tmp_path / "out")
    every = find_inputs(["s3://study/heart/[dgp]*.csv", "s3://study/heart/deeper/100.hea"], tmp_path)
    assert [Path(one.path).name for one in every] == ["damaged.csv", "gap.csv", "plain.csv", "100.hea"]
    for given in every:
        do(given, plan)
    assert sorted_out(every, plan)[1] == []
    signal = (study / "deeper" / "100.dat").read_bytes()
    store.put_object(Bucket="study", Key="heart/deeper/100.dat", Body=signal[::-1])
    text = (study / "gap.csv").read_bytes()
    store.put_object(Bucket="study", Key="heart/gap.csv", Body=text.replace(b"ecg_mV", b"ecg_uV"))
    forget_listings()
    assert [Path(one.path).name for one in sorted_out(every, plan)[1]] == ["gap.csv", "100.hea"]
    store.put_object(Bucket="study", Key="heart/deeper/100.dat", Body=signal)
    store.put_object(Bucket="study", Key="heart/gap.csv", Body=text)


def forget_listings() -> None:
    """What another run, in a process of its own, would not know."""
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()


def test_what_is_not_there_or_too_large_is_an_error(store: Any, tmp_path: Path, planned: Plans) -> None:
    plan = planned(tmp_path / "out")
    missing = do(Input("s3://study/heart/none.csv"), plan)
    assert missing.error is not None
    assert missing.error.message == "no such file: s3://study/heart/none.csv: check the address"
    large = do(Input("s3://study/heart/plain.csv"), replace(plan, most_bytes=1000))
    assert large.error is not None
    assert large.error.message.endswith("allow more with --most-gb, or copy it to a disk yourself")
    assert large.ecg_s == 0


def test_a_store_that_cannot_be_listed_is_refused(
    store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ecgedge_bridge.errors import ConfigError

    with pytest.raises(ConfigError, match="there is no recording in s3://study/heart"):
        find_inputs(["s3://study/heart/*.edf"], tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    forget_listings()
    with pytest.raises(ConfigError, match=r"cannot list s3://study/heart.*check the address and your"):
        find_inputs(["s3://study/heart/*.csv"], tmp_path)
    forget_listings()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A web server that says nothing, and asks for a token."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Send a file to who has the token."""
        if "X-Amz-Signature=open" in self.path:
            super().do_GET()
        else:
            self.send_error(403)

    def do_HEAD(self) -> None:
        """The same without content."""
        if "X-Amz-Signature=open" in self.path:
            super().do_HEAD()
        else:
            self.send_error(403)


@pytest.fixture
def web(study: Path) -> Iterator[str]:
    """The address of the study on a web server."""
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=study)
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_web_server_gives_the_same_and_its_keys_are_not_kept(
    web: str, study: Path, tmp_path: Path, planned: Plans, replayed: Callable[..., list[str]], lines: Lines
) -> None:
    plan = planned(tmp_path / "out")
    (given,) = find_inputs([f"{web}/deeper/100.hea?X-Amz-Signature=open&id=7"], tmp_path)
    assert given.name == f"{web}/deeper/100.hea?id=7"
    assert do(given, plan).error is None
    assert lines(Path(plan.out), "100.hea?id=7") == replayed(study / "deeper" / "100.hea")
    assert sorted_out([given], plan)[1] == []
    for file in Path(plan.out).rglob("*"):
        assert not file.is_file() or b"open" not in file.read_bytes()


def test_a_server_that_refuses_is_an_error_without_the_key(
    web: str, tmp_path: Path, planned: Plans, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecgedge.scale.fetch._PAUSES_S", (0.0,))
    plan = planned(tmp_path / "out")
    for address in (f"{web}/plain.csv?X-Amz-Signature=shut", "http://127.0.0.1:9/a.csv?token=shut"):
        outcome = do(Input(address), plan)
        assert outcome.error is not None
        assert outcome.error.code == "fetch"
        assert "shut" not in outcome.error.message
        assert ("answers 403" in outcome.error.message) == (web in address)
        assert sorted_out([Input(address)], plan)[0] == []  # another time it may work


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://me:pass@host/a.csv#x", "https://host/a.csv"),
        ("https://host/a?sig=x&sv=2&se=3&id=1", "https://host/a?id=1"),
        ("sftp://me:pass@host/a.csv", "sftp://host/a.csv"),
        ("s3://bucket/a@b.csv", "s3://bucket/a@b.csv"),
        ("/data/a\x1b[2J.csv", "/data/a\\x1b[2J.csv"),
    ],
)
def test_names_open_nothing(address: str, name: str) -> None:
    assert shown(address) == name
