"""Those who listen to an outlet, well or badly: each a process of its own, that can be frozen and killed.

They stand beside the process that is measured, so that their work is not taken for its own. Each prints what
it got as a line of JSON: at the end of what it reads, or on SIGTERM.
"""

from __future__ import annotations

import json
import signal
import socket
import struct
import sys
import time
import urllib.request
from contextlib import suppress
from typing import Any


class Ended(Exception):  # noqa: N818  # asked to, by SIGTERM
    """It was enough."""


def lines(port: str) -> dict[str, Any]:
    """Read JSON lines to their end."""
    with socket.create_connection(("127.0.0.1", int(port))) as reader, reader.makefile("rb") as file:
        print("ready", flush=True)
        return {"lines": sum(line.endswith(b"\n") for line in file)}


def hanging(port: str) -> dict[str, Any]:
    """Connect, begin to ask, never end it, and come again when hung up on."""
    connections = 0
    print("ready", flush=True)
    with suppress(Ended):
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", int(port)), 60) as reader:
                connections += 1
                reader.sendall(b"GET /metrics HTTP/1.1\r\nX-Slow: ")
                while True:
                    reader.sendall(b".")
                    time.sleep(0.5)
            time.sleep(0.1)
    return {"connections": connections}


def scraping(port: str, every_s: str) -> dict[str, Any]:
    """Ask as Prometheus does, and note how long the answers took."""
    took = []
    print("ready", flush=True)
    with suppress(Ended):
        while True:
            begun = time.perf_counter()
            with suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60).read()
                took.append(time.perf_counter() - begun)
            time.sleep(float(every_s))
    return {"answers": len(took), "slowest_s": max(took, default=0.0)}


def viewer(port: str) -> dict[str, Any]:
    """Look at the live page as a browser does, and count the samples, and those between what frames hold."""
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import connect

    samples = missing = missed = 0
    end: float | None = None
    with suppress(Ended, ConnectionClosed), connect(f"ws://127.0.0.1:{port}/stream", max_size=None) as page:
        print("ready", flush=True)
        for message in page:
            if isinstance(message, str):
                missed = json.loads(message).get("missed", missed)
                continue
            (n,), (first,) = struct.unpack_from("<I", message, 4), struct.unpack_from("<d", message, 8)
            missing += 0 if end is None else max(0, round(first - end))
            samples, end = samples + n, first + n
    return {"samples": samples, "missing": missing, "frames_missed": missed}


def lsl(name: str) -> dict[str, Any]:
    """Pull samples, and count those that are missing by their stamps."""
    import pylsl

    pylsl.set_config_content("[log]\nlevel = -3\n")
    (found,) = pylsl.resolve_byprop("name", name, 1, 60.0)
    inlet = pylsl.StreamInlet(found, max_buflen=60, recover=True)
    inlet.open_stream(60.0)
    print("ready", flush=True)
    samples, holes, last_s, fs = 0, 0, None, found.nominal_srate()
    with suppress(Ended):
        while True:
            _, stamps = inlet.pull_chunk(timeout=0.5, max_samples=4096)
            for stamp in stamps:
                missing = 0 if last_s is None else round((stamp - last_s) * fs) - 1
                holes, last_s = holes + max(0, missing), stamp
            samples += len(stamps)
    return {"samples": samples, "missing": holes}


def end(*_: object) -> None:
    """Leave what is going on."""
    raise Ended


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end)
    task, *arguments = sys.argv[1:]
    print(json.dumps(globals()[task](*arguments)), flush=True)
