"""Figures for Prometheus, by its own library: ``metrics:9464`` or ``metrics:HOST:PORT``, at ``/metrics``."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from ecgedge.events import Battery, Beat, FrameLost, Gap, Hrv, LinkState, Quality, Rhythm
from ecgedge.sinks.outlets.extras import library
from ecgedge.sinks.outlets.target import NoOptions, Opening, Target
from ecgedge.sinks.queued import EVENTS
from ecgedge.sinks.sink import Item, Of
from ecgedge.sinks.words import RHYTHMS, STATES
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.values import HeartRate, SampleBlock

__all__ = ["Metrics"]

# One that connects and says nothing holds up the others for so long, and no longer.
_SLOW_READER_S = 3.0


class _Server(WSGIServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a reader that hangs, or hangs up, is its own affair."""


class _Handler(WSGIRequestHandler):
    def handle(self) -> None:
        """Answer, within the time of one reader in all: a byte now and then buys no more of it."""
        hanging_up = threading.Timer(_SLOW_READER_S, self._hang_up)
        hanging_up.daemon = True
        hanging_up.start()
        try:
            super().handle()
        finally:
            hanging_up.cancel()

    def _hang_up(self) -> None:
        with suppress(OSError):  # it was quicker
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class calls it so
        """Say nothing: stderr is for the user."""


class Metrics:
    """Gauges and counters of each wearable, served to whoever asks.

    Parameters
    ----------
    target : Target
    opening : Opening

    Raises
    ------
    ConfigError
        The extra is not installed, or the port is taken.

    Attributes
    ----------
    registry : prometheus_client.CollectorRegistry
        What is served: others may add to it.
    """

    kinds = (*EVENTS, SampleBlock)

    def __init__(self, target: Target, opening: Opening) -> None:
        target.decoded(NoOptions)
        host, port = target.address()
        client = library("prometheus_client", "metrics")
        registry = client.CollectorRegistry()
        self.registry = registry
        self._series, self._device = _Series(client, registry), opening.device
        target.told_of_readers(opening, host)
        try:
            self._server: WSGIServer = make_server(
                host, port, client.make_wsgi_app(registry), server_class=_Server, handler_class=_Handler
            )
        except OSError as error:
            raise ConfigError(
                f"cannot listen on {target.name}: {error.strerror}: choose another port"
            ) from error
        # One request at a time: a crowd of readers costs one thread.
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="ecgedge metrics", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.server_port

    def take(self, items: Iterable[Item | Of]) -> None:
        """Bring the figures up to date."""
        for item in items:
            if isinstance(item, Of):
                self._series.add(item.wearable, item.item)
            else:
                self._series.add(self._device, item)

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class _Series:
    """What is counted and measured; names and units follow https://prometheus.io/docs/practices/naming."""

    def __init__(self, client: Any, registry: Any) -> None:
        def gauge(name: str, what: str) -> Any:
            return client.Gauge(f"ecgedge_{name}", what, ["device"], registry=registry)

        def counter(name: str, what: str, *labels: str) -> Any:
            return client.Counter(f"ecgedge_{name}", what, ["device", *labels], registry=registry)

        self._gauges = {
            "heart_rate": gauge("heart_rate_bpm", "Heart rate of the last window, beats a minute."),
            "af": gauge("atrial_fibrillation", "1 in AF, 0 not; absent while it cannot be told."),
            "signal": gauge("signal_quality", "Probability that the last window is usable."),
            "battery": gauge("battery_percent", "Battery of the wearable."),
            "rmssd": gauge("rmssd_milliseconds", "RMSSD of the last minutes."),
            "sdnn": gauge("sdnn_milliseconds", "SDNN of the last minutes."),
            "time": gauge("stream_seconds", "Where the stream is, in seconds since its start."),
        }
        self._samples = counter("samples", "Samples received.")
        self._lost = counter("samples_lost", "Samples that are missing.")
        self._frames = counter("frames_lost", "Frames that could not be read.")
        self._downs = counter("link_losses", "Times that the link was lost.")
        self._beats = counter("beats", "Beats by AAMI class.", "symbol")
        self._windows = counter("windows", "Windows that the gate has judged.", "accepted")
        self._rhythm = client.Enum(
            "ecgedge_rhythm", "Rhythm held.", ["device"], states=[*RHYTHMS, "none"], registry=registry
        )
        self._link = client.Enum(
            "ecgedge_link", "State of the link.", ["device"], states=[*STATES, "other"], registry=registry
        )

    def add(self, device: str, item: Item) -> None:
        """Take one item of a wearable."""
        match item:
            case SampleBlock():
                self._samples.labels(device).inc(len(item.samples))
                self._set(device, "time", item.end_sample / item.fs)
            case Beat():
                self._beats.labels(device, item.symbol or "none").inc()
            case Rhythm():
                self._add_rhythm(device, item)
            case HeartRate():
                self._set(device, "heart_rate", item.bpm)
            case Quality():
                self._set(device, "signal", item.score)
                self._windows.labels(device, "yes" if item.accepted else "no").inc()
            case Hrv():
                self._set(device, "rmssd", item.rmssd_ms)
                self._set(device, "sdnn", item.sdnn_ms)
            case Gap():
                self._lost.labels(device).inc(item.lost)
            case Battery():
                self._set(device, "battery", item.percent)
            case FrameLost():
                self._frames.labels(device).inc()
            case LinkState():
                self._add_link(device, item)
            case _:
                pass

    def _set(self, device: str, name: str, value: float | None) -> None:
        """Set a gauge; what cannot be told now is no figure, and no older one either."""
        if value is None:
            with suppress(KeyError):  # it was none before
                self._gauges[name].remove(device)
        else:
            self._gauges[name].labels(device).set(value)

    def _add_rhythm(self, device: str, event: Rhythm) -> None:
        self._set(device, "heart_rate", event.heart_rate_bpm)
        self._set(device, "af", None if event.af is None else float(event.af))
        self._rhythm.labels(device).state(event.label if event.label in RHYTHMS else "none")

    def _add_link(self, device: str, event: LinkState) -> None:
        self._link.labels(device).state(event.state if event.state in STATES else "other")
        if event.state == "backing_off":
            self._downs.labels(device).inc()
            # Of a wearable that is away there is no heart rate.
            self._set(device, "heart_rate", None)
            self._set(device, "af", None)
