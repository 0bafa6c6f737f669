"""MQTT against a real broker: what is retained, the last will, an outage, TLS and passwords."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from broker import MOSQUITTO, Broker, Listener, free_port, needs_mosquitto

from ecgedge.events import Battery, Beat, LinkState
from ecgedge.sinks.queued import Queued
from ecgedge.sinks.registry import open_outlet
from ecgedge.sinks.sink import Item

pytestmark = needs_mosquitto


@pytest.fixture
def told() -> list[str]:
    return []


def opened(broker: Broker, told: list[str], options: str = "?back_off=0.2", login: str = "") -> Queued:
    return open_outlet(
        f"mqtt://{login}127.0.0.1:{broker.port}/ward/bed1{options}", device="Polar H10 A1", tell=told.append
    )


def test_the_state_is_retained_and_every_event_is_sent(
    broker: Broker, told: list[str], items: list[Item]
) -> None:
    listener = Listener(broker.port, "ward/#")
    sink = opened(broker, told)
    sink.take(items)
    listener.wait_for("ward/bed1/events/linkstate")
    late = Listener(broker.port, "ward/#")  # who comes later sees what is retained
    late.wait_for("ward/bed1/status", "online")
    time.sleep(0.2)
    assert {topic: text for topic, text, retained in late.got if retained} == {
        "ward/bed1/status": "online",
        "ward/bed1/heart_rate": "62",
        "ward/bed1/rhythm": "sinus rhythm",
        "ward/bed1/battery": "87",
        "ward/bed1/link": "backing_off",
    }
    sink.close()
    late.wait_for("ward/bed1/status", "offline")
    sent = [(topic, json.loads(text)) for topic, text, _ in listener.got if "/events/" in topic]
    wanted = [item.to_json() for item in items if hasattr(item, "to_json")]
    assert [event for _, event in sent] == json.loads(json.dumps(wanted))
    assert all(topic == f"ward/bed1/events/{event['type']}" for topic, event in sent)
    assert (sink.missed, told) == (0, [])
    listener.close()
    late.close()


def test_the_last_will_tells_of_a_program_that_died(broker: Broker, tmp_path: Path) -> None:
    listener = Listener(broker.port, "ward/#")
    script = (
        "import sys, time\nfrom ecgedge.sinks.registry import open_outlet\n"
        "sink = open_outlet(sys.argv[1], device='x', tell=print)\ntime.sleep(60)\n"
    )
    url = f"mqtt://127.0.0.1:{broker.port}/ward/bed1"
    program = subprocess.Popen([sys.executable, "-c", script, url], env=os.environ)
    try:
        listener.wait_for("ward/bed1/status", "online")
    finally:
        program.send_signal(signal.SIGKILL)
        program.wait()
    listener.wait_for("ward/bed1/status", "offline")
    listener.close()


@pytest.mark.parametrize("how", ["stopped", "frozen"])
def test_an_outage_delays_nothing_is_counted_and_ends_with_the_present_state(
    how: str, broker: Broker, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Five minutes, on a clock that runs a hundred times as fast: limits and pauses are shorter by as much.
    monkeypatch.setattr("ecgedge.sinks.outlets.mqtt._ANSWER_S", 0.3)
    monkeypatch.setattr("ecgedge.sinks.outlets.mqtt._BACK_OFF_S", 0.05)
    sink = opened(broker, told)
    listener = Listener(broker.port, "ward/#")
    sink.take([Battery(0, 0.0, 90), LinkState(0, 0.0, "streaming")])
    listener.wait_for("ward/bed1/battery", "90")
    listener.close()
    broker.stop() if how == "stopped" else broker.freeze()
    sent, times = 0, []
    end_s = time.monotonic() + 3.0
    while time.monotonic() < end_s:
        began = time.perf_counter()
        sink.take([Beat(sent, sent / 130, 800.0, "N"), Battery(sent, 0.0, 90 - sent % 20)])
        times.append(time.perf_counter() - began)
        sent += 2
        time.sleep(0.002)
    sink.take([Battery(sent, 0.0, 41)])
    assert sorted(times)[-3] < 0.05
    assert len(sink._items) <= 4096
    broker.start() if how == "stopped" else broker.thaw()
    after = Listener(broker.port, "ward/#")
    for _ in range(40):  # the stream goes on, and with it the tries
        sink.take([Beat(sent, 0.0, 800.0, "N")])
        time.sleep(0.05)
    after.wait_for("ward/bed1/battery", "41")
    after.wait_for("ward/bed1/status", "online")
    after.wait_for("ward/bed1/link", "streaming")
    after.wait_for("ward/bed1/events/beat")
    sink.close()
    after.close()
    assert 0 < sink.missed <= sent + 41
    assert "the broker is away" in told[0]
    assert "works again" in told[1]
    assert f"missed {sink.missed} items in all" in told[-1]


def test_a_broker_that_is_not_there_at_first_is_waited_for(tmp_path: Path, told: list[str]) -> None:
    port = free_port()
    sink = open_outlet(f"mqtt://127.0.0.1:{port}/t?back_off=0.2", device="x", tell=told.append)
    sink.take([Battery(0, 0.0, 5)])
    time.sleep(0.3)
    sink.close()
    assert sink.missed == 1
    assert any("the broker is away" in line for line in told)


def test_a_password_from_a_file_logs_in_and_is_never_told(tmp_path: Path, told: list[str]) -> None:
    passwords, secret = tmp_path / "passwords", tmp_path / "secret"
    secret.write_text("hun:t@er2/\n")
    passwd = Path(MOSQUITTO or "").with_name("mosquitto_passwd")
    tool = str(passwd) if passwd.exists() else "mosquitto_passwd"
    subprocess.run([tool, "-b", "-c", str(passwords), "me", "hun:t@er2/"], check=True, capture_output=True)
    passwords.chmod(0o644)
    broker = Broker(tmp_path, "allow_anonymous false", f"password_file {passwords}")
    try:
        sink = opened(broker, told, f"?password_file={secret}", "me@")
        listener = Listener(broker.port, "ward/#", user="me", password="hun:t@er2/")
        sink.take([Battery(0, 0.0, 77)])
        listener.wait_for("ward/bed1/battery", "77")
        sink.close()
        listener.close()
        assert told == []
        secret.write_text("wrong:t@er2/\n")
        sink = opened(broker, told, f"?password_file={secret}", "me:t%40er2@")
        sink.take([Battery(0, 0.0, 77)])
        time.sleep(0.5)
        sink.close()
        assert any("the broker is away" in line for line in told)
        assert not any("er2" in line for line in told)
    finally:
        broker.stop()


# paho leaves the socket of a handshake that failed to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_tls_asks_for_a_certificate_that_is_trusted(tmp_path: Path, told: list[str]) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    (tmp_path / "key.pem").chmod(0o644)
    tmp_path.chmod(0o755)
    certificate = tmp_path / "cert.pem"
    broker = Broker(tmp_path, f"certfile {certificate}", f"keyfile {tmp_path}/key.pem")
    try:
        url = f"mqtts://localhost:{broker.port}/ward/bed1?back_off=0.2"
        untrusted = open_outlet(url, device="x", tell=told.append)
        untrusted.take([Battery(0, 0.0, 1)])
        time.sleep(0.5)
        untrusted.close()
        assert untrusted.missed == 1
        assert any("certificate" in line.lower() for line in told)
        trusted = open_outlet(f"{url}&ca={certificate}", device="x", tell=told.append)
        listener = Listener(broker.port, "ward/#", ca=certificate)
        trusted.take([Battery(0, 0.0, 66)])
        listener.wait_for("ward/bed1/battery", "66")
        trusted.close()
        listener.close()
        assert trusted.missed == 0
        gc.collect()
    finally:
        broker.stop()
