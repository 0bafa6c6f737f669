"""What ``--send`` names, and that nothing secret is ever shown of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgedge.sinks.outlets.mqtt import PASSWORD
from ecgedge.sinks.outlets.secrets import login
from ecgedge.sinks.outlets.target import Target
from ecgedge.sinks.registry import OUTLETS, open_outlet
from ecgedge_bridge.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("metrics:9464", ("127.0.0.1", 9464)),
        ("tcp:0.0.0.0:9000", ("0.0.0.0", 9000)),
        ("tcp:[::1]:9000", ("::1", 9000)),
        ("TCP://pi.local:1", ("pi.local", 1)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert Target.parse(text).address() == address


@pytest.mark.parametrize("text", ["tcp:", "tcp:host", "tcp:70000", "metrics:1:2:x", "tcp:-1", "tcp:٣"])
def test_an_address_that_is_none_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(ConfigError, match=r"give (tcp|metrics):PORT or"):
        Target.parse(text).address()


@pytest.mark.parametrize(
    "text",
    [
        "mqtt://me:hunter2@host:1x/t",
        "mqtt://me:hun@ter2@",
        "mqtt://me:hunter2@host/a+b",
        "mqtt://me:hunter2@host?unknown=1",
        "mqtt://me:hunter2@host?events=perhaps",
        "mqqt://me:hunter2@host",
        "mqtt://me:hunter2@host?password_file=/no/such/file",
        "mqtts://me:hunter2@host?ca=/no/such/file",
        "mqtt://me:hunter2@host?back_off",
        "mqtt://:hunter2@host",
        "//me:hunter2@host",
    ],
)
def test_no_error_shows_a_password(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        open_outlet(text, device="strap", tell=print)
    whole: BaseException | None = refused.value
    assert "ter2" not in str(whole)
    assert ": " in str(whole)


def test_unknown_schemes_and_options_are_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="did you mean 'metrics'"):
        open_outlet("metric:9464", device="", tell=print)
    with pytest.raises(ConfigError, match="did you mean 'keep'"):
        open_outlet("a.jsonl?kep=1", device="", tell=print)
    with pytest.raises(ConfigError, match="names no scheme"):
        open_outlet("events", device="", tell=print)


def test_a_password_comes_from_a_file_the_environment_or_the_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "password"
    file.write_text("of the file\n")
    monkeypatch.delenv(PASSWORD, raising=False)
    assert login("me:p%40ss", None, PASSWORD).password == "p@ss"
    monkeypatch.setenv(PASSWORD, "of the environment")
    assert login("me:url", None, PASSWORD).password == "of the environment"
    found = login("me:url", str(file), PASSWORD)
    assert (found.user, found.password) == ("me", "of the file")
    assert "file" not in repr(found)
    monkeypatch.delenv(PASSWORD)
    assert login("", None, PASSWORD).password is None


def test_every_scheme_is_of_a_module_that_is_there() -> None:
    for place in OUTLETS.values():
        module, name = place.split(":")
        assert hasattr(__import__(module, fromlist=[name]), name)
