"""``ecgedge phone``, as whoever types it sees it."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def serving(program: Any, *arguments: str) -> Iterator[tuple[Any, str, int]]:
    """The command, what it says, and its port."""
    with program.cli("phone", "--serve", *arguments).start() as process:
        try:
            said = "".join(iter(process.stdout.readline, "\n"))
            place = re.search(r"The app is at https?://[^ ]+:(\d+)/", said)
            assert place is not None, said + process.stderr.read()
            yield process, said, int(place[1])
        finally:
            process.kill()


def test_it_serves_this_machine_until_ctrl_c(program: Any, folder: Path, asker: Any) -> None:
    with serving(program, str(folder), "--at", "127.0.0.1:0") as (process, said, port):
        assert "12 files, each as it was built" in said
        answer, body = asker(port)("/")
        assert (answer.status, body) == (200, (folder / "index.html").read_bytes())
        process.send_signal(signal.SIGINT)
        advice = process.stdout.read()
        assert process.wait(20) == 0
        assert process.stderr.read() == ""
    assert f"adb reverse tcp:{port} tcp:{port}" in advice
    assert "--own-certificate" in advice
    assert "static files with https" in advice


def test_in_the_house_it_serves_with_its_own_certificate(
    program: Any, folder: Path, asker: Any, home: Path
) -> None:
    with serving(program, str(folder), "--at", "0.0.0.0:0", "--own-certificate") as (process, said, port):
        assert "https://" in said
        authority = home / "ecgedge-phone-authority.crt"
        assert asker(port, authority)("/")[0].status == 200
        process.send_signal(signal.SIGINT)
        advice = process.stdout.read()
    assert str(authority) in advice
    assert re.search(r"([0-9A-F]{2}:){31}[0-9A-F]{2}", advice)


def test_a_key_that_others_can_read_is_told_of(program: Any, folder: Path, home: Path) -> None:
    from ecgedge.phone.serve.certificate import own

    file = own(home, "127.0.0.1").file
    file.chmod(0o644)
    options = ("--at", "127.0.0.1:0", "--certificate", str(file), "--key", str(file))
    with serving(program, str(folder), *options) as (process, _, _):
        assert f"chmod 600 {file}" in process.stderr.readline()


def test_a_damaged_app_is_not_served(program: Any, folder: Path) -> None:
    (folder / "sw.js").write_text("another program")
    for option in ("--serve", "--check"):
        done = program.cli("phone", option, str(folder)).run()
        assert done.returncode == 1
        assert "sw.js is damaged: build it anew with `make phone`" in done.stderr
        assert done.stdout == ""


def test_it_can_only_look(program: Any, folder: Path) -> None:
    done = program.cli("phone", "--check", str(folder)).run()
    assert (done.returncode, done.stderr) == (0, "")
    assert "12 files, each as it was built" in done.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--at", "0.0.0.0:0"), "gives Bluetooth to https and to localhost alone"),
        (("--at", "192.168.1.7:8360"), "gives Bluetooth to https and to localhost alone"),
        (("--at", "0.0.0.0:0", "--certificate", "c.pem"), "give both"),
        (("--own-certificate", "--certificate", "c.pem", "--key", "k.pem"), "give one of them"),
        (("--certificate", "away.pem", "--key", "away.pem"), "away.pem: No such file"),
        (("--at", "8360x"), "give PORT or HOST:PORT"),
    ],
)
def test_what_cannot_be_is_refused(program: Any, folder: Path, options: Any, words: str) -> None:
    done = program.cli("phone", "--serve", str(folder), *options).run()
    assert done.returncode == 1
    assert words in done.stderr


def test_without_an_app_it_says_how_to_get_one(program: Any, tmp_path: Path) -> None:
    done = program.cli("phone", "--serve", str(tmp_path)).run()
    assert "make phone" in done.stderr
    done = program.cli("phone").run()
    assert done.returncode == 2
    assert "give --serve or --check" in done.stderr


def test_where_make_phone_builds_is_looked_for_first_from_here(
    program: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "checkout" / "build" / "phone"
    place.parent.mkdir(parents=True)
    folder.rename(place)
    monkeypatch.chdir(tmp_path / "checkout")
    assert "build/phone: 12 files" in program.cli("phone", "--check").run().stdout


def test_a_port_that_is_taken_is_told(program: Any, folder: Path) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = program.cli("phone", "--serve", str(folder), "--at", f"127.0.0.1:{port}").run()
    assert "choose another place with --at" in done.stderr
