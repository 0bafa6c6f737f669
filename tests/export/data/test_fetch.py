"""Download and check, against an HTTP server that the test starts."""

import errno
import hashlib
import http.server
import json
import re
import shutil
import socket
import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from ecgedge_bridge.errors import ConfigError
from ecgedge_export import cli, data
from ecgedge_export.archives import Limits
from ecgedge_export.data import checksums
from ecgedge_export.data import fetch as downloads

FILES = {
    "100.dat": bytes(range(256)) * 3000,
    "100.hea": b"100 1 360 10\n100.dat 16 200 16 0 0 0 0 MLII\n",
    "sub/a b.hea": b"b" * 1000,
    "sub/notes.txt": b"not needed",
}
NEEDED = sorted(n for n in FILES if not n.endswith(".txt"))


@dataclass
class Release:
    """What the server has, how it misbehaves, and what it was asked."""

    files: dict[str, bytes] = field(default_factory=lambda: dict(FILES))
    cut_after: dict[str, int] = field(default_factory=dict)  # bytes sent before the connection ends, once
    status: dict[str, list[int]] = field(default_factory=dict)  # answers before the right one
    resumes: bool = True
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    mirror: str = ""

    def listed(self) -> bytes:
        return "".join(f"{hashlib.sha256(v).hexdigest()} {k}\n" for k, v in self.files.items()).encode()

    def content(self, name: str) -> bytes | None:
        return self.served.get(name, self.listed() if name == checksums.SUMS else self.files.get(name))

    served: dict[str, bytes] = field(default_factory=dict)  # in place of what the list says


class Handler(http.server.BaseHTTPRequestHandler):
    release: Release

    def log_message(self, *_):
        pass

    def do_GET(self):
        name = self.path.removeprefix("/tiny/1.0/").replace("%20", " ")
        span = self.headers.get("Range")
        self.release.asked.append((name, span))
        body = self.release.content(name)
        planned = self.release.status.get(name)
        status = planned.pop(0) if planned else 404 if body is None else 200
        if status != 200:
            return self.send_error(status)
        start = int(re.fullmatch(r"bytes=(\d+)-", span)[1]) if span and self.release.resumes else 0
        if start and start >= len(body):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self.wfile.write(body[start : start + self.release.cut_after.pop(name, len(body))])
        self.close_connection = True


@pytest.fixture
def release():
    release = Release()
    handler = type("Bound", (Handler,), {"release": release})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        release.mirror = f"http://127.0.0.1:{server.server_port}"
        yield release
        server.shutdown()
        thread.join()


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """A data set of a few files, known to the catalogue; data roots are empty."""
    dataset = replace(
        data.DATASETS["mitdb"], name="tiny", release="tiny/1.0", folders=("tiny",), files=("*.dat", "*.hea")
    )
    monkeypatch.setitem(data.DATASETS, "tiny", dataset)
    monkeypatch.setenv("ECGEDGE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return dataset


@pytest.fixture
def root(tmp_path):
    return tmp_path / "data"


def fetch(release, tiny, root, **more):
    return downloads.fetch(tiny, root, mirror=release.mirror, first_wait_s=0.0, **more)


def on_disk(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_what_the_adapter_needs_is_fetched_and_checked(release, tiny, root):
    seen = []
    folder = fetch(release, tiny, root, log=seen.append)
    assert folder == root / "tiny"
    assert on_disk(folder) == {n: FILES[n] for n in NEEDED} | {checksums.SUMS: release.listed()}
    assert (seen[-1].files, seen[-1].of_files) == (3, 3)
    assert seen[-1].n_bytes == sum(len(FILES[n]) for n in NEEDED) + len(release.listed())
    assert checksums.verify(tiny).good == tuple(n for n in FILES if n in NEEDED)


def test_a_second_run_asks_for_nothing_but_the_list(release, tiny, root):
    fetch(release, tiny, root)
    release.asked.clear()
    fetch(release, tiny, root)
    assert release.asked == [(checksums.SUMS, None)]


def test_only_some(release, tiny, root):
    folder = fetch(release, tiny, root, only=["sub/*"])
    assert set(on_disk(folder)) == {"sub/a b.hea", "sub/notes.txt", checksums.SUMS}
    with pytest.raises(ConfigError, match=r"no file of tiny matches nothing\*"):
        fetch(release, tiny, root, only=["nothing*"])


def test_a_cut_connection_goes_on_where_it_ended(release, tiny, root):
    release.cut_after["100.dat"] = 300_000
    folder = fetch(release, tiny, root)
    assert (folder / "100.dat").read_bytes() == FILES["100.dat"]
    assert [span for name, span in release.asked if name == "100.dat"] == [None, "bytes=300000-"]


def test_a_server_that_cannot_resume_sends_all_of_it(release, tiny, root):
    release.cut_after["100.dat"] = 300_000
    release.resumes = False
    folder = fetch(release, tiny, root)
    assert (folder / "100.dat").read_bytes() == FILES["100.dat"]


def test_a_stopped_run_goes_on_and_is_not_taken_for_the_data_set(release, tiny, root):
    release.status["100.dat"] = [503] * downloads.TRIES
    with pytest.raises(ConfigError, match="answers 503"):
        fetch(release, tiny, root)
    assert tiny.located() is None
    (root / "tiny.partial" / "100.dat.part").write_bytes(FILES["100.dat"][:1000])
    folder = fetch(release, tiny, root)
    assert ("100.dat", "bytes=1000-") in release.asked
    assert tiny.located() == folder
    assert set(on_disk(folder)) == {*NEEDED, checksums.SUMS}


def test_a_part_of_something_else_is_thrown_away(release, tiny, root):
    partial = root / "tiny.partial"
    partial.mkdir(parents=True)
    (partial / "100.dat.part").write_bytes(b"x" * 5000)
    (partial / "100.hea.part").write_bytes(b"y" * 5000)  # longer than the file: nothing to send after it
    folder = fetch(release, tiny, root)
    assert (folder / "100.dat").read_bytes() == FILES["100.dat"]
    assert (folder / "100.hea").read_bytes() == FILES["100.hea"]


def test_busy_servers_are_asked_again_and_missing_files_are_not(release, tiny, root):
    release.status["100.hea"] = [503, 429]
    release.files["gone.hea"] = b"listed"
    release.status["gone.hea"] = [404] * 9
    with pytest.raises(ConfigError, match=r"gone\.hea answers 404"):
        fetch(release, tiny, root)
    asked = Counter(name for name, _ in release.asked)
    assert asked["gone.hea"] == 1
    release.status["gone.hea"] = []
    fetch(release, tiny, root)
    assert Counter(name for name, _ in release.asked)["100.hea"] >= 3


def test_a_file_that_is_not_the_listed_one_is_refused(release, tiny, root):
    release.served["100.hea"] = b"something else"
    with pytest.raises(ConfigError, match=r"100\.hea is not the file that SHA256SUMS\.txt lists"):
        fetch(release, tiny, root)
    assert not list(root.rglob("100.hea*"))


def test_a_changed_file_is_fetched_again(release, tiny, root):
    folder = fetch(release, tiny, root)
    (folder / "100.hea").write_bytes(b"edited")
    (folder / "100.dat").unlink()
    verdict = checksums.verify(tiny)
    assert (verdict.wrong, verdict.missing, verdict.ok) == (("100.hea",), ("100.dat",), False)
    fetch(release, tiny, root)
    assert checksums.verify(tiny).ok


def test_no_network_says_so(tiny, root):
    with socket.socket() as held:  # bound, and not listening
        held.bind(("127.0.0.1", 0))
        mirror = f"http://127.0.0.1:{held.getsockname()[1]}"
        with pytest.raises(ConfigError, match=r"cannot download .*refused.*run the same command"):
            downloads.fetch(tiny, root, mirror=mirror, first_wait_s=0.0)


def test_a_full_disk_says_so(release, tiny, root, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=0))
    with pytest.raises(ConfigError, match=r"disk of .* is full.*--to"):
        fetch(release, tiny, root)


def test_a_disk_that_fills_while_writing_says_so(release, tiny, root, monkeypatch):
    real = Path.open

    def full(path, mode="r", *args, **kwargs):
        if path.name == "100.dat.part" and "b" in mode and "r" not in mode:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(ConfigError, match="is full"):
        fetch(release, tiny, root)


def test_a_place_that_cannot_be_written_says_so(release, tiny, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match="choose another place"):
        fetch(release, tiny, tmp_path / "file")


@pytest.mark.parametrize(
    "line", ["nonsense", "a" * 64 + " ../out", "a" * 64 + " /etc/x", "a" * 64, "G" * 64 + " x"]
)
def test_a_list_that_is_none_is_refused(release, tiny, root, line):
    release.served[checksums.SUMS] = line.encode()
    with pytest.raises(ConfigError, match="no checksum"):
        fetch(release, tiny, root)


def test_an_endless_list_does_not_fill_the_disk(release, tiny, root, monkeypatch):
    monkeypatch.setattr(downloads, "_MOST_LIST_BYTES", 10_000)
    release.served[checksums.SUMS] = b"".join(b"0" * 64 + b" f%d\n" % k for k in range(20_000))
    with pytest.raises(ConfigError, match="sends more than the data set has"):
        fetch(release, tiny, root)
    assert sum(map(len, on_disk(root).values())) <= 10_000 + downloads._BLOCK


def test_a_list_of_more_files_than_the_set_has_is_refused(release, tiny, root, monkeypatch):
    monkeypatch.setattr(type(tiny), "limits", Limits(3, 1 << 30))
    with pytest.raises(ConfigError, match="lists 4 files, more than 3"):
        fetch(release, tiny, root)
    assert {name for name, _ in release.asked} == {checksums.SUMS}


@pytest.mark.parametrize("name", NEEDED)
def test_a_file_larger_than_the_set_is_not_written_out(release, tiny, root, monkeypatch, name):
    monkeypatch.setattr(type(tiny), "limits", Limits(100, 1 << 20))
    release.files[name] = bytes(3 << 20)
    with pytest.raises(ConfigError, match="sends more than the data set has"):
        fetch(release, tiny, root)
    assert sum(map(len, on_disk(root).values())) < 3 << 20


def test_without_a_list_there_is_nothing_to_compare_with(tiny, root):
    (root / "tiny").mkdir(parents=True)
    with pytest.raises(ConfigError, match="data fetch tiny"):
        checksums.verify(tiny)


def run(*args):
    return CliRunner().invoke(cli.app, ["data", *args])


def test_the_command_line_from_nothing_to_verified(release, tiny, root):
    rows = [json.loads(line) for line in run("list", "--json").stdout.splitlines()]
    assert {r["name"] for r in rows} == set(data.DATASETS)
    assert [r["at_hand"] for r in rows if r["name"] == "tiny"] == [None]
    done = run("fetch", "tiny", "--to", str(root), "--mirror", release.mirror)
    assert done.exit_code == 0
    assert done.stdout == f"{root / 'tiny'}: complete\n"
    assert f"at hand: {root / 'tiny'}" in run("list").stdout
    assert run("verify", "tiny").stdout == "tiny: 3 good, 0 wrong, 0 missing\n"
    (root / "tiny" / "100.hea").unlink()
    broken = run("verify", "tiny")
    assert broken.exit_code == 1
    assert isinstance(broken.exception, ConfigError)
    assert broken.stdout == "missing: 100.hea\ntiny: 2 good, 0 wrong, 1 missing\n"


def test_every_entry_of_the_catalogue_is_complete():
    for name, dataset in data.DATASETS.items():
        assert name == dataset.name
        assert all((dataset.what, dataset.licence, dataset.size, dataset.citation))
        assert re.fullmatch(r"https://physionet\.org/content/[a-z0-9-]+/[\d.]+/", dataset.page)
