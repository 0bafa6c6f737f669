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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

_STARTS_S, _ANSWERS_S = 60.0, 30.0
_SAYS_WHERE = "DevToolsActivePort"
# What no test waits for, and a live page has thirty a second of.
_COPIOUS = ("Network.webSocketFrameReceived", "Network.webSocketFrameSent")
_KEYS = {"Enter": 13, " ": 32, "Tab": 9, "Escape": 27, "ArrowLeft": 37, "ArrowRight": 39, "Home": 36}


class Browser:
    """A connection to a browser; what comes unasked goes to who listens, or waits in :attr:`events`."""

    def __init__(self, socket: ClientConnection, process: subprocess.Popen[bytes]) -> None:
        self._socket, self._process, self._last = socket, process, 0
        self._answers: dict[int, dict[str, Any]] = {}
        self._told: dict[int, str] = {}
        self._listeners: dict[str, Callable[[dict[str, Any]], None]] = {}
        self.events: list[dict[str, Any]] = []

    def call(
        self, method: str, session: str | None = None, within_s: float = _ANSWERS_S, **parameters: Any
    ) -> dict[str, Any]:
        """Send a command, to a tab if its session is given, and return the result."""
        number = self._send(method, session, parameters)
        until = time.monotonic() + within_s
        while number not in self._answers:
            assert self._take(until - time.monotonic()), f"{method}: no answer in {within_s:.0f} s"
        answer = self._answers.pop(number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return dict(answer["result"])

    def tell(self, method: str, session: str | None = None, **parameters: Any) -> None:
        """Send a command and wait for nothing: for listeners, which must not wait for a next event."""
        self._told[self._send(method, session, parameters)] = method

    def on(self, event: str, listener: Callable[[dict[str, Any]], None]) -> None:
        """Hand what comes of an event to a listener while anything is waited for, of whichever tab."""
        self._listeners[event] = listener

    def wait(self, session: str, event: str) -> None:
        """Wait until a tab has told of something."""
        while not any(e["method"] == event and e.get("sessionId") == session for e in self.events):
            assert self._take(_ANSWERS_S), f"no {event} in {_ANSWERS_S:.0f} s"

    def pump(self, seconds: float) -> None:
        """Listen for a while."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._take(left)

    def kill(self) -> None:
        """End it as the kernel does where memory runs out: at once, with all its processes."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def processes(self) -> list[dict[str, Any]]:
        """Its processes: type, id and CPU time in seconds."""
        return list(self.call("SystemInfo.getProcessInfo")["processInfo"])

    def _send(self, method: str, session: str | None, parameters: dict[str, Any]) -> int:
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        self._socket.send(json.dumps(message | ({"sessionId": session} if session else {})))
        return self._last

    def _take(self, seconds: float) -> bool:
        """Take in one message; False where none comes in time."""
        try:
            message = dict(json.loads(self._socket.recv(timeout=max(seconds, 0.0))))
        except TimeoutError:
            return False
        method = message.get("method")
        if (number := message.get("id")) in self._told:
            told = self._told.pop(number)
            assert "error" not in message, f"{told}: {message['error']}"
        elif number is not None:
            self._answers[number] = message
        elif method in self._listeners:
            self._listeners[method](message)
        elif method not in _COPIOUS:
            self.events.append(message)
        return True


class Page:
    """A tab, which shares nothing with others; with ``kept`` it is of the profile, whose storage stays."""

    def __init__(self, browser: Browser, *, kept: bool = False) -> None:
        self.browser = browser
        self._context = None if kept else browser.call("Target.createBrowserContext")["browserContextId"]
        self._target = self._tab()
        self.session = browser.call("Target.attachToTarget", targetId=self._target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def _tab(self) -> str:
        where = {} if self._context is None else {"browserContextId": self._context}
        return str(self.browser.call("Target.createTarget", url="about:blank", **where)["targetId"])

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the protocol and return its result."""
        return self.browser.call(method, self.session, **parameters)

    def close(self) -> None:
        """Close it, and forget what it held."""
        if self._context is None:
            self.browser.call("Target.closeTarget", targetId=self._target)
        else:
            self.browser.call("Target.disposeBrowserContext", browserContextId=self._context)
        self.browser.events.clear()

    @property
    def _events(self) -> list[dict[str, Any]]:
        self.evaluate("1")  # takes in what came meanwhile
        return [event for event in self.browser.events if event.get("sessionId") == self.session]

    def open(self, page: Path | str) -> None:
        """Load a file or an address, and wait until it is there."""
        self.browser.events.clear()
        self.call("Page.navigate", url=page if isinstance(page, str) else page.as_uri())
        self.browser.wait(self.session, "Page.loadEventFired")

    def evaluate(self, expression: str, within_s: float = _ANSWERS_S) -> Any:
        """Return what a JavaScript expression comes to; of a promise, what it holds in the end."""
        result = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True,
            within_s=within_s,
        )  # fmt: skip
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def until(self, expression: str, within_s: float = _ANSWERS_S) -> None:
        """Wait until an expression comes to something true."""
        until = time.monotonic() + within_s
        while not self.evaluate(f"Boolean({expression})"):
            assert time.monotonic() < until, f"never true in {within_s:.0f} s: {expression}"
            self.browser.pump(0.05)

    def before(self, script: str) -> None:
        """Run a script in every page that it opens from now on, before the page's own."""
        self.call("Page.addScriptToEvaluateOnNewDocument", source=script)

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
        other = self._tab()
        self.until("document.hidden")
        yield
        self.browser.call("Target.closeTarget", targetId=other)
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

    def picture(self, file: Path, *, whole: bool = True) -> None:
        """Save the page for a person to look at, the whole of it or what is on the screen."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def chromium(program: str, folder: Path, *flags: str) -> Iterator[Browser]:
    """Run a browser with the profile in a folder; it and all that it started are gone afterwards."""
    # A browser that was killed has left it.
    (folder / _SAYS_WHERE).unlink(missing_ok=True)
    command = [
        program, "--headless", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        *flags, f"--user-data-dir={folder}", *(("--no-sandbox",) if os.geteuid() == 0 else ()), "about:blank",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        with connect(_address(folder, process), max_size=None, compression=None, proxy=None) as socket:
            yield Browser(socket, process)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _address(folder: Path, process: subprocess.Popen[bytes]) -> str:
    """Where it listens: it writes that into its profile."""
    said, until = folder / _SAYS_WHERE, time.monotonic() + _STARTS_S
    while time.monotonic() < until:
        assert process.poll() is None, f"Chromium ended with {process.returncode}"
        if said.exists() and len(lines := said.read_text().splitlines()) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.05)
    raise AssertionError(f"Chromium did not start within {_STARTS_S:.0f} s")
