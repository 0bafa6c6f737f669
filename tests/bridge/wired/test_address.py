"""How sources are written."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.wired.address import Address, is_wire


@pytest.mark.parametrize(
    ("text", "scheme", "place", "port", "baud"),
    [
        ("serial:/dev/ttyUSB0", "serial", "/dev/ttyUSB0", 0, 115_200),
        ("serial:/dev/ttyACM1?baud=9600", "serial", "/dev/ttyACM1", 0, 9600),
        ("SERIAL:COM3", "serial", "COM3", 0, 115_200),
        ("tcp:localhost:9000", "tcp", "localhost", 9000, 115_200),
        ("tcp://10.0.0.7:1", "tcp", "10.0.0.7", 1, 115_200),
        ("tcp:[::1]:9000", "tcp", "::1", 9000, 115_200),
        ("tcp:[fe80::1%eth0]:9000", "tcp", "fe80::1%eth0", 9000, 115_200),
        ("lsl:My board: ECG?", "lsl", "My board: ECG?", 0, 115_200),
        ("-", "-", "", 0, 115_200),
    ],
)
def test_what_is_understood(text: str, scheme: str, place: str, port: int, baud: int) -> None:
    assert is_wire(text)
    assert Address.parse(text) == Address(text, scheme, place, port, baud)


@pytest.mark.parametrize(
    "text",
    [
        "serial:", "serial:?baud=9600",
        "serial:/dev/x?baud=fast", "serial:/dev/x?baud=0", "serial:/dev/x?bits=7",
        "serial:/dev/x\0y", "serial:/dev/x?baud=99999999", "serial:/dev/x?baud=٩٦٠٠",
        "tcp:9000", "tcp::9000", "tcp:host", "tcp:host:", "tcp:host:0", "tcp:host:65536", "tcp:::1:9000",
        "tcp:ho st:1", "tcp:ho\x1b[2Jst:1", "tcp:[]:1", "lsl:", "lsl:it's", "lsl:a\nb",
        "serial:" + "x" * 5000,
    ],
)  # fmt: skip
def test_what_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ConfigError, match=r"is written|cannot be read"):
        Address.parse(text)


@pytest.mark.parametrize(
    "text", ["Polar H10", "A0:9E:1A:00:00:01", "serial", "tcp", "", "--", "com:1", "board:x"]
)
def test_bluetooth_devices_are_no_wires(text: str) -> None:
    assert not is_wire(text)


@given(st.text())
def test_any_text_is_an_address_or_an_error(text: str) -> None:
    for scheme in ("serial:", "tcp:", "lsl:", ""):
        with suppress(ConfigError):
            assert Address.parse(scheme + text).place in text
