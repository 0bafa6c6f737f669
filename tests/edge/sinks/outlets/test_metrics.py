"""Prometheus: what is served, read by its own parser."""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ecgedge.events import Battery, LinkState
from ecgedge.sinks.outlets.metrics import Metrics
from ecgedge.sinks.outlets.target import Opening, Target
from ecgedge.sinks.registry import open_outlet
from ecgedge.sinks.sink import Item
from ecgedge_bridge.errors import ConfigError

DEVICE = 'a "strap"\n\\x'


@contextmanager
def metrics() -> Iterator[Metrics]:
    sink = Metrics(Target.parse("metrics:0"), Opening(DEVICE, print))
    try:
        yield sink
    finally:
        sink.close()


def scraped(port: int) -> dict[tuple[str, str], float]:
    """Samples by name and what labels they have beside the device."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = dict(sample.labels)
            assert labels.pop("device") == DEVICE
            found[sample.name, ",".join(labels.values())] = sample.value
    return found


def test_what_was_taken_is_what_its_parser_reads(items: list[Item]) -> None:
    with metrics() as sink:
        sink.take(items[:-1])
        found = scraped(sink.port)
    expected = {
        ("ecgedge_samples_total", ""): 73,
        ("ecgedge_battery_percent", ""): 87,
        ("ecgedge_beats_total", "N"): 1,
        ("ecgedge_beats_total", "V"): 1,
        ("ecgedge_windows_total", "yes"): 1,
        ("ecgedge_signal_quality", ""): 0.97,
        ("ecgedge_heart_rate_bpm", ""): 62,
        ("ecgedge_atrial_fibrillation", ""): 0,
        ("ecgedge_rhythm", "N"): 1,
        ("ecgedge_rhythm", "A"): 0,
        ("ecgedge_rmssd_milliseconds", ""): 31.5,
        ("ecgedge_samples_lost_total", ""): 130,
        ("ecgedge_frames_lost_total", ""): 1,
        ("ecgedge_link", "streaming"): 1,
    }
    assert {key: found[key] for key in expected} == expected
    assert not any(name == "ecgedge_link_losses_total" for name, _ in found)


def test_a_wearable_that_is_away_has_no_heart_rate(items: list[Item]) -> None:
    with metrics() as sink:
        sink.take(items)
        found = scraped(sink.port)
        assert found["ecgedge_link_losses_total", ""] == 1
        assert found["ecgedge_link", "backing_off"] == 1
        assert not any(name in ("ecgedge_heart_rate_bpm", "ecgedge_atrial_fibrillation") for name, _ in found)
        assert found["ecgedge_battery_percent", ""] == 87  # still what it was
        sink.take([LinkState(0, 0.0, "of a later version")])
        assert scraped(sink.port)["ecgedge_link", "other"] == 1


def test_one_that_connects_and_says_nothing_holds_up_nobody_for_long() -> None:
    with metrics() as sink, socket.create_connection(("127.0.0.1", sink.port)):
        time.sleep(0.1)
        sink.take([Battery(0, 0.0, 50)])
        assert scraped(sink.port)["ecgedge_battery_percent", ""] == 50


def test_one_that_says_a_byte_now_and_then_holds_up_nobody_for_ever(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ecgedge.sinks.outlets.metrics._SLOW_READER_S", 0.5)
    enough = threading.Event()

    def drip(reader: socket.socket) -> None:
        with suppress(OSError):
            while not enough.wait(0.05):
                reader.sendall(b"X")

    with metrics() as sink, socket.create_connection(("127.0.0.1", sink.port)) as reader:
        reader.sendall(b"GET /metrics HTTP/1.1\r\n")
        dripping = threading.Thread(target=drip, args=(reader,))
        dripping.start()
        try:
            sink.take([Battery(0, 0.0, 50)])
            assert scraped(sink.port)["ecgedge_battery_percent", ""] == 50
        finally:
            enough.set()
            dripping.join()
    assert capfd.readouterr() == ("", "")  # no traceback: stderr is for the user


def test_a_port_that_is_taken_is_one_line() -> None:
    with metrics() as sink, pytest.raises(ConfigError, match="choose another port"):
        open_outlet(f"metrics:{sink.port}", device="", tell=print)
