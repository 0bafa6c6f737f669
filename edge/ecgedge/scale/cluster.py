"""Workers: processes of this machine, or those of a cluster that runs already.

Own workers listen on the loopback address alone, and speak TLS with a certificate that is made for the run:
whoever may speak to a scheduler may run code, and other users of the machine can connect to its ports. Dask
always opens ports for its web pages; here nothing is behind them.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from ecgedge.sinks.outlets.extras import library
from ecgedge.sinks.plain import plain
from ecgedge_bridge.errors import ConfigError

__all__ = ["open_cluster"]

_CONNECT_S = 20
_QUIET: dict[str, Any] = {
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    # Samples of the stacks of every second are kept for an hour, for a page that nobody can see here.
    "distributed.worker.profile.enabled": False,
    # What was on a worker that died is handed out again by this package, and at last alone.
    "distributed.scheduler.allowed-failures": 0,
}


@contextmanager
def open_cluster(workers: int, scheduler: str | None = None) -> Iterator[Any]:
    """Give a client of Dask.

    Parameters
    ----------
    workers : int
        Processes of this machine with one thread each, where no scheduler is named.
    scheduler : str, optional
        Address of a scheduler, ``tcp://HOST:PORT`` or ``tls://HOST:PORT``; its certificates are those of
        Dask's own configuration.

    Raises
    ------
    ConfigError
        Dask is not installed, or no scheduler answers.
    """
    distributed = library("distributed", "scale")
    with ExitStack() as opened:
        opened.enter_context(_silent())
        if scheduler is None:
            opened.enter_context(library("dask", "scale").config.set(_QUIET))
            place: Any = opened.enter_context(_own(distributed, workers))
        else:
            place = scheduler
        try:
            if scheduler is not None:
                _knock(scheduler)
            client = opened.enter_context(distributed.Client(place, timeout=_CONNECT_S))
        except (OSError, ValueError, TypeError) as error:
            why = plain((str(error).splitlines() or [type(error).__name__])[0])
            raise ConfigError(
                f"no scheduler answers at {plain(str(scheduler))} ({why}): "
                "start one with 'dask scheduler', or leave out --scheduler"
            ) from None
        yield client


@contextmanager
def _silent() -> Iterator[None]:
    """Keep Dask from logging: what becomes of workers and tasks is told by this package."""
    names = [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def _knock(scheduler: str) -> None:
    """Connect once: Dask would go on trying where nobody listens."""
    scheme, _, rest = scheduler.partition("://")
    host, _, port = rest.rpartition(":")
    if scheme not in ("tcp", "tls") or not host or not port.isdecimal():
        raise ValueError("an address is tcp://HOST:PORT or tls://HOST:PORT")
    socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_S).close()


def _own(distributed: Any, workers: int) -> Any:
    library("cryptography", "scale")
    return distributed.LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        security=True,
        dashboard_address=None,
        worker_dashboard_address=None,
        # Without an address the scheduler would take port 8787, and warn where it is taken.
        scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
        silence_logs=logging.CRITICAL + 1,
    )
