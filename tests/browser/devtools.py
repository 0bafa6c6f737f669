"""A headless Chromium, asked over its DevTools protocol: what a page fetches, says, measures and prints.

Websockets alone, which the tests have anyway: a driver would bring its own browser or its own program.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

_STARTS_S, _ANSWERS_S = 60.0, 30.0
# What no test waits for, and a live page has thirty a second of.
_COPIOUS = ("Network.webSocketFrameReceived", "Network.webSocketFrameSent")
_KEYS = {"Enter": 13, " ": 32, "Tab": 9, "Escape": 27, "ArrowLeft": 37, "ArrowRight": 39, "Home": 36}


class Browser:
    """A connection to a browser; what comes unasked waits in :attr:`events`."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._last = socket, 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Send a command, to a tab if its session is given, and return the result."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        self._socket.send(json.dumps(message | ({"sessionId": session} if session else {})))
        while (answer := self._next()).get("id") != self._last:
            self._keep(answer)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return dict(answer["result"])

    def wait(self, session: str, event: str) -> None:
        """Wait until a tab has told of something."""
        while not any(e["method"] == event and e.get("sessionId") == session for e in self.events):
            self._keep(self._next())

    def _keep(self, event: dict[str, Any]) -> None:
        if event.get("method") not in _COPIOUS:
            self.events.append(event)

    def _next(self) -> dict[str, Any]:
        return dict(json.loads(self._socket.recv(timeout=_ANSWERS_S)))


class Page:
    """A tab, which shares nothing with others."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._context = browser.call("Target.createBrowserContext")["browserContextId"]
        target = browser.call("Target.createTarget", url="about:blank", browserContextId=self._context)[
            "targetId"
        ]
        self._session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the protocol and return its result."""
        return self._browser.call(method, self._session, **parameters)

    def close(self) -> None:
        """Close it, and forget what it held."""
        self._browser.call("Target.disposeBrowserContext", browserContextId=self._context)
        self._browser.events.clear()

    @property
    def _events(self) -> list[dict[str, Any]]:
        self.evaluate("1")  # takes in what came meanwhile
        return [event for event in self._browser.events if event.get("sessionId") == self._session]

    def open(self, page: Path | str) -> None:
        """Load a file or an address, and wait until it is there."""
        self._browser.events.clear()
        self.call("Page.navigate", url=page if isinstance(page, str) else page.as_uri())
        self._browser.wait(self._session, "Page.loadEventFired")

    def evaluate(self, expression: str) -> Any:
        """Return what a JavaScript expression comes to; of a promise, what it holds in the end."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until an expression comes to something true."""
        until = time.monotonic() + _ANSWERS_S
        while not self.evaluate(f"Boolean({expression})"):
            assert time.monotonic() < until, f"never true in {_ANSWERS_S:.0f} s: {expression}"
            time.sleep(0.05)

    def key(self, name: str) -> None:
        """Press a key."""
        what = {"key": name, "code": "Space" if name == " " else name, "windowsVirtualKeyCode": _KEYS[name]}
        text = {"Enter": "\r", " ": " "}.get(name)
        self.call("Input.dispatchKeyEvent", type="keyDown", **what, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **what)

    def click(self, selector: str, at: float = 0.5) -> None:
        """Press the mouse on an element, at a share of its width."""
        x, y = self.evaluate(
            f"(e => {{ e.scrollIntoView({{block: 'center'}}); const b = e.getBoundingClientRect();"
            f"return [b.left + {at} * b.width, b.top + b.height / 2]; }})"
            f"(document.querySelector({selector!r}))"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def screen(
        self,
        width: int,
        height: int,
        *,
        dark: bool = False,
        media: str = "screen",
        still: bool = False,
        dots: float = 1,
    ) -> None:
        """Look at it on a screen of a size in CSS pixels; below 600 a phone's. ``still``: without motion."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=dots,
            mobile=width < 600,
        )  # fmt: skip
        wanted = {
            "prefers-color-scheme": "dark" if dark else "light",
            "prefers-reduced-motion": "reduce" if still else "no-preference",
        }
        features = [{"name": name, "value": value} for name, value in wanted.items()]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Look at another tab meanwhile."""
        other = self._browser.call("Target.createTarget", url="about:blank", browserContextId=self._context)[
            "targetId"
        ]
        self.until("document.hidden")
        yield
        self._browser.call("Target.closeTarget", targetId=other)
        self.call("Page.bringToFront")
        self.until("!document.hidden")

    def requests(self) -> list[str]:
        """What it asked for since it was opened, but for the page itself."""
        asked = [e["params"] for e in self._events if e["method"] == "Network.requestWillBeSent"]
        return [each["request"]["url"] for each in asked if each.get("type") != "Document"]

    def complaints(self) -> list[str]:
        """Errors on its console."""
        return [
            str(e["params"])
            for e in self._events
            if e["method"] == "Runtime.exceptionThrown"
            or (e["method"] == "Runtime.consoleAPICalled" and e["params"]["type"] in ("error", "assert"))
            or (e["method"] == "Log.entryAdded" and e["params"]["entry"]["level"] in ("error", "warning"))
        ]

    def pdf(self) -> bytes:
        """Print it, in the size that it asks for."""
        printed = self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        return base64.b64decode(printed["data"])

    def picture(self, file: Path) -> None:
        """Save what is seen, for a person to look at."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def chromium(program: str, folder: Path) -> Iterator[Browser]:
    """Run a browser with a fresh profile; it and all that it started are gone afterwards."""
    command = [
        program, "--headless", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={folder}", *(("--no-sandbox",) if os.geteuid() == 0 else ()), "about:blank",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        with connect(_address(folder, process), max_size=None, compression=None, proxy=None) as socket:
            yield Browser(socket)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _address(folder: Path, process: subprocess.Popen[bytes]) -> str:
    """Where it listens: it writes that into its profile."""
    said, until = folder / "DevToolsActivePort", time.monotonic() + _STARTS_S
    while time.monotonic() < until:
        assert process.poll() is None, f"Chromium ended with {process.returncode}"
        if said.exists() and len(lines := said.read_text().splitlines()) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.05)
    raise AssertionError(f"Chromium did not start within {_STARTS_S:.0f} s")
