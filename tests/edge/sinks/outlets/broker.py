"""A real MQTT broker, mosquitto, on a port of this machine; tests skip loudly where it is not installed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

MOSQUITTO = shutil.which(
    "mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/sbin"
)
needs_mosquitto = pytest.mark.skipif(
    MOSQUITTO is None, reason="no MQTT broker: apt-get install mosquitto, and MQTT is tested against it"
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Broker:
    """mosquitto with its own settings; it keeps what is retained across a restart where asked to."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._config = folder / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", "log_type error", *settings]
        if os.geteuid() == 0:
            lines.append("user root")  # else it becomes a user that cannot read the test's folder
        if not any(line.startswith("allow_anonymous") for line in settings):
            lines.append("allow_anonymous true")
        self._config.write_text("\n".join(lines) + "\n")
        self.start()

    def start(self) -> None:
        assert MOSQUITTO is not None
        self._process = subprocess.Popen([MOSQUITTO, "-c", str(self._config)])
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert self._process.poll() is None, "mosquitto ended"
                time.sleep(0.02)
            else:
                return
        raise AssertionError("mosquitto does not listen")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def freeze(self) -> None:
        """Stand still with all connections open, as a computer that hangs."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on; one that was stopped stays so."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)


class Listener:
    """Somebody who subscribes, by paho itself: what is received, in order."""

    def __init__(self, port: int, topic: str = "#", **options: object) -> None:
        from paho.mqtt.client import CallbackAPIVersion, Client

        self.got: list[tuple[str, str, bool]] = []
        self._client = Client(CallbackAPIVersion.VERSION2)
        if "user" in options:
            self._client.username_pw_set(str(options["user"]), str(options["password"]))
        if "ca" in options:
            self._client.tls_set(ca_certs=str(options["ca"]))
        self._client.on_connect = lambda client, *_: client.subscribe(topic, 1)
        self._client.on_message = lambda _, __, message: self.got.append(
            (message.topic, message.payload.decode(), bool(message.retain))
        )
        self._client.connect("localhost" if "ca" in options else "127.0.0.1", port)
        self._client.loop_start()

    def wait_for(self, topic: str, text: str | None = None, within_s: float = 10.0) -> str:
        end_s = time.monotonic() + within_s
        while time.monotonic() < end_s:
            for got_topic, payload, _ in list(self.got):
                if got_topic == topic and text in (None, payload):
                    return payload
            time.sleep(0.02)
        raise AssertionError(f"{topic} {text or ''} did not come: {self.got[-5:]}")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
