"""The built app, handed out by the product's own server."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from ecgedge.phone.serve.app import make_app
from ecgedge.phone.serve.built import read_app
from ecgedge.sinks.web.access import Access
from ecgedge.sinks.web.server import Server

__all__ = ["BUILT", "Site"]

# Set by run.py, which builds it first: an app that was built some time ago is not what is tested.
BUILT = Path(os.environ.get("ECGEDGE_PHONE_APP", "/nowhere"))


class Site:
    """The app on this machine; use it as a context. It may be shut down earlier."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        built = read_app(folder)
        self._server = Server(
            lambda own: make_app(built, Access("127.0.0.1"), own), "127.0.0.1", port, option="--at"
        )

    @property
    def url(self) -> str:
        """Where it is: localhost, which browsers hold for safe."""
        return f"http://localhost:{self._server.port}/"

    def close(self) -> None:
        """Hang up, and answer nobody any more."""
        self._server.close()

    def __enter__(self) -> Site:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
