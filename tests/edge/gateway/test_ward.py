"""A ward's file: what it may say, and how it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecgedge.gateway.ward import read_ward
from ecgedge_bridge.errors import ConfigError

WHOLE = """
title = "Ward 3"
mqtt = "mqtt://gateway@pi/ward?password_file=secret"
others = true
record = "night/{device}.db"
daily = true
keep_days = 14
send = ["metrics:9464", "events.jsonl"]
web_at = "0.0.0.0:8350"

[bluetooth]
adapters = ["hci0", "hci1"]
links = 5

[[proxy]]
host = "esp32.local"
key_file = "esp32.key"

[[wearable]]
name = "bed 1"
device = "Polar H10 A1B2C3D4"
age = 71
sex = "female"

[[wearable]]
name = "bed 2"
device = "F0:F1:F2:0A:1B:2C"
reach = "bluetooth"
"""


def read(tmp_path: Path, text: str):
    file = tmp_path / "ward.toml"
    file.write_text(text)
    return read_ward(file)


def test_a_whole_file(tmp_path: Path) -> None:
    ward = read(tmp_path, WHOLE)
    assert [(bed.name, bed.reach, bed.age) for bed in ward.wearable] == [
        ("bed 1", "any", 71.0),
        ("bed 2", "bluetooth", None),
    ]
    assert ward.bluetooth is not None
    assert (ward.bluetooth.links, ward.proxy[0].port, ward.keep_days) == (5, 6053, 14)


def test_a_page_shows_fewer_than_a_process_takes(tmp_path: Path) -> None:
    beds = "".join(f'[[wearable]]\nname = "bed {k}"\ndevice = "H10 {k}"\n' for k in range(257))
    assert len(read(tmp_path, f'mqtt = "mqtt://pi"\n{beds}').wearable) == 257
    with pytest.raises(
        ConfigError, match="has 257 wearables, and a gateway with a page has 256: start another"
    ):
        read(tmp_path, f'mqtt = "mqtt://pi"\nweb = true\n{beds}')


ONE = '[[wearable]]\nname = "bed 1"\ndevice = "Polar H10 1"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "reaches nobody"),
        ('mqtt = "mqtt://pi"', "others = true"),
        ('mqt = "mqtt://pi"', "did you mean 'mqtt'"),
        (f'mqtt = "mqtt://pi"\n{ONE}{ONE}', "two wearables with the name 'bed 1'"),
        (f"[bluetooth]\nlinks = 0\n{ONE}", "a whole number from 1 to 100"),
        (f'[bluetooth]\n{ONE}reach = "forwarded"', "no mqtt to come over"),
        (f'mqtt = "mqtt://pi"\n{ONE}reach = "bluetooth"', "neither"),
        (f'mqtt = "mqtt://pi"\nrecord = "a.db"\n{ONE}', "put {device} into the name"),
        (f'mqtt = "mqtt://pi"\ndaily = true\n{ONE}', "no record to split"),
        (f'mqtt = "mqtt://pi"\nkeep_days = 3\n{ONE}', "set daily = true"),
        ("others = true\n[bluetooth]", "give mqtt"),
        ("[[wearable]]\nname = 'x'", "lacks device"),
        ("=", "not TOML"),
        (
            f'mqtt = "mqtt://pi"\nrecord = "{{device}}.db"\n{ONE}'
            + ONE.replace("bed 1", "bed-1").replace("10 1", "10 2"),
            "files would have one name",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_do(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, text)
    assert words in str(refused.value)
    assert "ward.toml" in str(refused.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="check the path"):
        read_ward(tmp_path / "none.toml")
