"""The phone app in a tab, and what its wearer does with it."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from devtools import Browser, Page
from strap import Strap, listen_in

__all__ = ["Handset", "Memory", "pss_mb"]

_READY_S = 90.0
_BRIDGE_S = 120.0
_RECORD = 30  # bytes around a value in a capture
# An app holds ten times as many. A slow host has them in less than 3 s, after which the link is lost.
_AT_ONCE = 100
_LOOKS_S = 0.05  # between two looks at how much was recorded
# The app's own worker at hand, to be asked beside the page.
_WORKER = """
window.Worker = class extends window.Worker {
    constructor(...given) {
        super(...given);
        window.analysis = this;
    }
};
window.ask = (call, args) => new Promise((resolve, reject) => {
    const id = `test ${Math.random()}`;
    const hear = ({data}) => {
        if (data.id !== id) return;
        window.analysis.removeEventListener("message", hear);
        if ("error" in data) reject(new Error(data.error)); else resolve(data.result);
    };
    window.analysis.addEventListener("message", hear);
    window.analysis.postMessage({id, call, args});
});
"""
# Every memory of WebAssembly at hand: what DevTools counts of a heap leaves them out.
_MEMORIES = """
self.memories = [];
WebAssembly.Memory = class extends WebAssembly.Memory {
    constructor(...given) {
        super(...given);
        self.memories.push(this);
    }
};
"""
# Bytes recorded since this was asked first: to list the recordings would be work for the app.
_RECORDED = """
self.recorded ??= (prototype => {
    const write = prototype.write;
    prototype.write = function (...given) {
        const written = write.apply(this, given);
        self.recorded += written;
        return written;
    };
    return 0;
})(FileSystemSyncAccessHandle.prototype)
"""
_BYTES = """(async file => {
    const bytes = new Uint8Array(await file.arrayBuffer()), step = 0x8000, pieces = [];
    for (let i = 0; i < bytes.length; i += step)
        pieces.push(String.fromCharCode(...bytes.subarray(i, i + step)));
    return btoa(pieces.join(""));
})"""


class Memory(NamedTuple):
    """What a page takes: its process's share of memory, and its worker's arrays."""

    pss_mb: float
    wasm_mb: float


def pss_mb(process: int) -> float:
    """A process's share of memory."""
    said = Path(f"/proc/{process}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in said.splitlines() if line.startswith("Pss:")) / 1024


class Handset:
    """A phone's browser with the app.

    Parameters
    ----------
    browser : Browser
        One that was started with :data:`FLAGS`.
    url : str
        Where the app is.
    kept : bool
        Whether what is stored stays, as in a person's own browser.
    """

    FLAGS = ("--enable-features=WebBluetooth",)

    def __init__(self, browser: Browser, url: str, *, kept: bool = False) -> None:
        self.browser, self.url = browser, url
        self._answered: set[str] = set()
        self._chosen: str | None = None
        self._worker = ""
        self.offered: list[list[str]] = []
        self.page = Page(browser, kept=kept)
        self.take_up()
        listen_in(self.page)
        self.page.before(_WORKER)
        self.page.screen(390, 844)
        self.page.call("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=True, flatten=True)

    def take_up(self) -> None:
        """Have the browser's radio, with no strap near, and hear what it says: one phone at a time can."""
        with suppress(AssertionError):  # it was off
            self.browser.call("BluetoothEmulation.disable")
        self.browser.call("BluetoothEmulation.enable", state="powered-on", leSupported=True)
        self.browser.on("DeviceAccess.deviceRequestPrompted", self._on_prompt)
        self.browser.on("Target.attachedToTarget", self._on_worker)

    def close(self) -> None:
        """Close the tab."""
        self.page.close()

    def reset(self) -> None:
        """Back to the first view, with nothing kept and no word of what went before."""
        state = "document.getElementById('state').textContent"
        if self.page.evaluate("document.body.dataset.view") == "shown":
            if self.page.evaluate(state) not in ("ended", "replay"):
                self.disconnect()
            self.back()
        self.page.evaluate("document.getElementById('banner-close').click()")
        self.page.evaluate("document.getElementById('keep').checked = true")
        while had := self.listed():
            self.page.evaluate("document.querySelector('#saved [data-is=remove]').click()")
            self.page.evaluate("document.getElementById('sure-yes').click()")
            self.page.until(f"document.getElementById('saved').childElementCount < {had}")
        # The end of what was measured is told now, and not when the next measurement has begun.
        self.ask("now")
        self.page.screen(390, 844)
        self.offered.clear()
        self.browser.events.clear()

    def open(self) -> None:
        """Open the app, and wait until it can be used."""
        self.page.open(self.url)
        self.ready()

    def ready(self) -> None:
        """Wait until the app can be used."""
        self.page.until("document.getElementById('state')?.textContent === 'ready'", _READY_S)

    def tap_connect(self, strap: Strap | None) -> None:
        """Tap Connect and choose; None closes the chooser."""
        self._chosen = None if strap is None else strap.address
        # A navigation switches it off.
        self.page.call("DeviceAccess.enable")
        asked = len(self.offered)
        self.page.click("#connect")
        while len(self.offered) == asked:
            self.browser.pump(0.05)

    def connect(self, strap: Strap) -> None:
        """Choose a strap, and wait until it measures."""
        self.tap_connect(strap)
        self.measures(strap)

    def measures(self, strap: Strap, within_s: float = 60.0) -> None:
        """Wait until a strap measures, and the app waits for what comes."""
        self.until(lambda: strap.wearable.running, within_s)
        waits = "/waiting|streaming/.test(document.querySelector('[data-is=link]')?.textContent)"
        self.page.until(waits, within_s)

    def disconnect(self) -> None:
        """Tap Disconnect, and wait until it is over."""
        self.page.click("#stop")
        self.page.until("document.getElementById('state').textContent === 'ended'")

    def back(self) -> None:
        """Tap Back, and wait for the first view with its list."""
        self.page.click("#stop")
        self.page.until("document.body.dataset.view === 'start'")
        self.until(lambda: self.listed() == len(self.recordings()))

    def said(self) -> str:
        """What the banner says."""
        return str(self.page.evaluate("document.getElementById('banner-words').textContent"))

    def ask(self, call: str, within_s: float = _BRIDGE_S, **given: Any) -> Any:
        """Ask the worker, beside the page."""
        return self.page.evaluate(f"ask({json.dumps(call)}, {json.dumps(given)})", within_s)

    def events(self, name: str, within_s: float = _BRIDGE_S) -> str:
        """The events of a recording, as JSON lines."""
        return str(self.ask("events", within_s, name=name))

    def capture(self, name: str) -> bytes:
        """The bytes of a recording."""
        taken = f"ask('take', {json.dumps({'name': name})}).then({_BYTES})"
        return base64.b64decode(self.page.evaluate(taken, _BRIDGE_S))

    def recordings(self) -> list[dict[str, Any]]:
        """What is on the phone, oldest first."""
        found: list[dict[str, Any]] = self.ask("recordings")
        return sorted(found, key=lambda one: one["start_unix_s"] or 0)

    def newest(self) -> str:
        """The name of the recording that was begun last."""
        return str(self.recordings()[-1]["name"])

    def play(self, strap: Strap, most: int | None = None) -> int:
        """Let a strap send, no faster than the app records; without ``most`` all that it has."""
        sent = 0
        while most is None or sent < most:
            had, before = self._size(), len(strap.sent)
            some = strap.play(_AT_ONCE if most is None else min(_AT_ONCE, most - sent))
            self._grown(had + sum(_RECORD + len(data) for _, data in strap.sent[before:]))
            sent += some
            if not some:
                break
        return sent

    def _size(self) -> int:
        return int(self._of_worker(_RECORDED))

    def _grown(self, size: int) -> None:
        until = time.monotonic() + _BRIDGE_S
        while (now := self._size()) < size:
            assert time.monotonic() < until, f"of {size} bytes {now} were recorded"
            self.browser.pump(_LOOKS_S)

    def listed(self) -> int:
        """How many recordings the page lists."""
        return int(self.page.evaluate("document.getElementById('saved').childElementCount"))

    def tap_delete(self, button: str = "#saved [data-is=remove]", *, sure: bool = True) -> None:
        """Tap Delete and say whether that is meant, and wait until the list is another one."""
        had = self.listed()
        self.page.click(button)
        self.page.click("#sure-yes" if sure else "#sure-no")
        if sure:
            self.until(lambda: self.listed() < had)

    def open_file(self, file: Path) -> str:
        """Open a recording from elsewhere; its name on the phone."""
        had = self.listed()
        self.put(file)
        self.until(lambda: self.listed() > had)
        return self.newest_listed()

    def newest_listed(self) -> str:
        """The name of the recording at the top of the list."""
        return str(self.ask("recordings")[0]["name"])

    def put(self, file: Path, where: str = "#open") -> None:
        """Choose a file: where the page opens recordings, or elsewhere."""
        root = self.page.call("DOM.getDocument", depth=0)["root"]["nodeId"]
        node = self.page.call("DOM.querySelector", nodeId=root, selector=where)["nodeId"]
        self.page.call("DOM.setFileInputFiles", files=[str(file)], nodeId=node)

    def allow_downloads(self, folder: Path) -> None:
        """Have downloads in a folder."""
        self.page.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def until(self, is_so: Callable[[], bool], within_s: float = 60.0) -> None:
        """Wait for something outside the page."""
        until = time.monotonic() + within_s
        while not is_so():
            assert time.monotonic() < until, f"not so in {within_s:.0f} s"
            self.browser.pump(0.05)

    def memory(self) -> Memory:
        """What the page takes now, after its garbage was collected and its worker's."""
        for session in (self.page.session, self._worker):
            self.browser.call("HeapProfiler.collectGarbage", session)
        return Memory(pss_mb(self._process()["id"]), self._wasm_mb())

    def cpu_s(self) -> float:
        """CPU time of the page's process since it began."""
        return float(self._process()["cpuTime"])

    def worker_cpu_s(self) -> float:
        """The worker's share of it: the link, the analysis, the recording."""
        ticks = 0
        for thread in Path(f"/proc/{self._process()['id']}/task").iterdir():
            with suppress(OSError):  # it has ended
                name, _, rest = (thread / "stat").read_text().partition("(")[2].rpartition(")")
                if name.startswith("DedicatedWorker"):
                    ticks += sum(map(int, rest.split()[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def _process(self) -> dict[str, Any]:
        """The page's process, which has the worker too: the busiest of its kind."""
        renderers = [one for one in self.browser.processes() if one["type"] == "renderer"]
        return max(renderers, key=lambda one: float(one["cpuTime"]))

    def _wasm_mb(self) -> float:
        """What WebAssembly has in the worker: Python's memory, which never shrinks."""
        return self._of_worker("memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0)") / 1e6

    def _of_worker(self, expression: str) -> float:
        """A number that the worker knows."""
        found = self.browser.call("Runtime.evaluate", self._worker, expression=expression, returnByValue=True)
        return float(found["result"]["value"])

    def complaints(self) -> list[str]:
        """Errors on the consoles of page and worker."""
        self.page.evaluate("1")
        of_worker = [
            str(event["params"])
            for event in self.browser.events
            if event.get("sessionId") == self._worker
            and (
                event["method"] == "Runtime.exceptionThrown"
                or (event["method"] == "Runtime.consoleAPICalled" and event["params"]["type"] == "error")
            )
        ]
        return self.page.complaints() + of_worker

    def _on_worker(self, event: dict[str, Any]) -> None:
        session = event["params"]["sessionId"]
        if event["params"]["targetInfo"]["type"] == "worker":
            self._worker = session
            self.browser.tell("Runtime.enable", session)
            self.browser.tell("Runtime.evaluate", session, expression=_MEMORIES)
        # It waits at its start, so that nothing is made before.
        self.browser.tell("Runtime.runIfWaitingForDebugger", session)

    def _on_prompt(self, event: dict[str, Any]) -> None:
        asked = event["params"]
        devices = [one["id"] for one in asked["devices"]]
        # It comes again for each device that appears; a second answer ends Chromium.
        if asked["id"] in self._answered or (self._chosen is not None and self._chosen not in devices):
            return
        self._answered.add(asked["id"])
        self.offered.append(devices)
        if self._chosen is None:
            self.browser.tell("DeviceAccess.cancelPrompt", self.page.session, id=asked["id"])
        else:
            self.browser.tell(
                "DeviceAccess.selectPrompt", self.page.session, id=asked["id"], deviceId=self._chosen
            )
