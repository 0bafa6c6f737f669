"""The phone's page on this machine, with a worker that only plays: for tests of what a person sees."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from devtools import Page
from live import BURST_S, FS, Stream, ecg

from ecgedge.monitor import Monitor
from ecgedge.sinks.web.hub import Hub
from ecgedge.sinks.web.viewer import Viewer

__all__ = ["CHOSEN", "NO_BLUETOOTH", "PARTS", "READY", "RECORDINGS", "Site", "play", "show", "text"]

ROOT = Path(__file__).parents[3]
APP = ROOT / "edge" / "phone" / "app"
LIVE = ROOT / "edge" / "ecgedge" / "sinks" / "web" / "page"
NOT_SHARED = ("index.html", "app.js", "asks.js", "connection.js")

# What the strap played: kind of rhythm, seconds, beats a minute.
PARTS = (("sinus", 60.0, 64.0), ("af", 80.0, 98.0), ("noise", 30.0, 70.0), ("sinus", 40.0, 66.0),
         ("pvc", 60.0, 70.0), ("af", 60.0, 104.0), ("noise", 40.0, 70.0))  # fmt: skip
RECORDINGS = [
    {"name": "polar-h10-2.cap", "bytes": 412_331, "start_unix_s": 1_795_990_200.0, "seconds": 1_212.0,
     "device": "Polar H10 A1B2C3D4"},
    {"name": "polar-h10-1.cap", "bytes": 9_412_331, "start_unix_s": 1_795_903_800.0, "seconds": 27_912.0,
     "device": "Polar H10 A1B2C3D4"},
    {"name": "board.cap", "bytes": 30_120, "start_unix_s": None, "seconds": 0.0, "device": "<b>my board</b>"},
    {"name": "broken.cap", "bytes": 12, "start_unix_s": None, "seconds": 0.0, "device": "",
     "words": "broken.cap is damaged: nothing of it can be read"},
]  # fmt: skip

# A strap that the chooser gives at once; `bluetooth` stands for the browser's part.
CHOSEN = """Object.defineProperty(navigator, 'bluetooth', {value: Object.assign(new EventTarget(), {
    available: true, chosen: [],
    async getAvailability() { return this.available; },
    async requestDevice(options) {
        this.chosen.push(options);
        if (this.refuses) throw this.refuses;
        return Object.assign(new EventTarget(), {name: 'Polar H10 A1B2C3D4', gatt: {disconnect() {}}});
    }})});"""


NO_BLUETOOTH = "Object.defineProperty(navigator, 'bluetooth', {value: undefined});"
READY = "document.getElementById('state')?.textContent === 'ready'"


def show(page: Page, url: str, *scripts: str, until: str = READY) -> None:
    """Open the page, with scripts that run before its own, and wait until it can be used."""
    for script in scripts:
        page.call("Page.addScriptToEvaluateOnNewDocument", source=script)
    page.open(url)
    page.until(until)


def text(page: Page, name: str) -> str:
    """What an element says, by its id."""
    return str(page.evaluate(f"document.getElementById({name!r}).textContent"))


@cache
def play() -> dict[str, Any]:
    """All messages of a play, each with its time, as a hub gives them thirty times a second."""
    hub = Hub("phone")
    signal = ecg(*PARTS)
    stream = Stream(hub.add("Polar H10 A1B2C3D4", mark=lambda text: None), signal, monitor=Monitor())
    viewer, live = Viewer(hub), []
    while stream.now_s < len(signal) / FS - BURST_S:
        live += [[stream.now_s, _message(one)] for one in viewer.news(stream.now_s)]
        stream.play(BURST_S)
    hub.wearables[0].close()
    replay = [[0, _message(one)] for one in Viewer(hub).news(0.0)]
    mv = [round(float(v), 4) for v in signal]
    return {"live": live, "replay": replay, "signal": {"fs": FS, "mv": mv}}


def _message(one: str | bytes) -> str | dict[str, str]:
    return one if isinstance(one, str) else {"frame": base64.b64encode(one).decode()}


class Site:
    """The page's files in a folder, and what the stand-in plays.

    Parameters
    ----------
    folder : Path
        Where they are put.
    root : Path, optional
        What is served, if not the folder itself.
    live_from_s : float
        What came before that comes at once, the rest as in life.
    others
        Of ``play.json``: recordings, errors.
    """

    def __init__(
        self, folder: Path, *, root: Path | None = None, live_from_s: float = 130.0, **others: Any
    ) -> None:
        self.folder, self.root = folder, root or folder
        shutil.copytree(APP, folder, dirs_exist_ok=True)
        shutil.copytree(LIVE, folder / "live", ignore=shutil.ignore_patterns(*NOT_SHARED), dirs_exist_ok=True)
        shutil.copy(Path(__file__).parent / "standin" / "worker.js", folder / "worker.js")
        said = {"live_from_s": live_from_s, "recordings": [], **play(), **others}
        (folder / "play.json").write_text(json.dumps(said), "utf-8")
        self.list_files()
        self.asked: list[str] = []
        self.hold = threading.Event()  # answers wait for it, from the point that a test says
        self.hold.set()
        self.held = ""

    def list_files(self) -> None:
        """Write the list of files, as the build does; a change of any makes another version."""
        unlisted = {"files.js", "service-worker.js"}
        found = (
            file for file in sorted(self.folder.rglob("*")) if file.is_file() and file.name not in unlisted
        )
        files = [
            {
                "path": file.relative_to(self.folder).as_posix(),
                "bytes": file.stat().st_size,
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            }
            for file in found
        ]
        version = hashlib.sha256(json.dumps(files).encode()).hexdigest()[:12]
        text = f"export const VERSION = {json.dumps(version)};\nexport const FILES = {json.dumps(files)};\n"
        (self.folder / "files.js").write_text(text, "utf-8")

    @contextmanager
    def serving(self, port: int = 0) -> Iterator[str]:
        """Serve it on localhost; yields the address."""
        server = _Server(("127.0.0.1", port), partial(_Handler, self, directory=str(self.root)))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            below = self.folder.relative_to(self.root).as_posix()
            yield f"http://localhost:{server.server_port}/{'' if below == '.' else f'{below}/'}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of browsers that hang up."""


class _Handler(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".js": "text/javascript", ".webmanifest": "application/manifest+json",
    }  # fmt: skip

    def __init__(self, site: Site, *others: Any, **named: Any) -> None:
        self._site = site
        super().__init__(*others, **named)

    def do_GET(self) -> None:
        """Answer, and remember what was asked for."""
        self._site.asked.append(self.path)
        # It goes by whole seconds: a file that a test has just changed would pass for the same.
        del self.headers["If-Modified-Since"]
        if self.path == self._site.held:
            self._site.hold.wait(20)
        super().do_GET()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
