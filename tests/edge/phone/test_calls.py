"""The page's calls: what they take, what they refuse, and how JavaScript's side is spoken to."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import pytest
from held_phone import HeldFiles, Phone
from virtual_browser import VirtualBrowser

from ecgedge import __version__
from ecgedge.phone.browser import App
from ecgedge.phone.companion import sentence
from ecgedge.phone.screen import Screen
from ecgedge.phone.storage import StorageError
from ecgedge_bridge import ConfigError, SampleBlock, VirtualH10, run_simulated
from ecgedge_bridge.link.web_radio import WebError


def call(name: str, args: Any = None) -> Any:
    return run_simulated(Phone().companion.call(name, args))


def test_start_tells_what_runs_and_may_be_called_again() -> None:
    phone = Phone()
    for _ in range(2):
        told = run_simulated(phone.call("start"))
        assert told["version"] == __version__
        assert told["numpy"] == np.__version__
        assert told["python"].startswith(f"{sys.version_info[0]}.{sys.version_info[1]}")
    assert phone.companion._models is not None
    assert phone.companion._models.rhythm.backend.name == "core"


@pytest.mark.parametrize(
    ("name", "args", "says"),
    [
        ("fly", {}, "'fly', which this version lacks: reload it"),
        ("connect", {"nmae": "x"}, "asks connect in another way: reload it"),
        ("connect", {"name": "x"}, "models are not loaded yet: wait a moment"),
        ("events", "a.cap", "no such recording"),
        ("events", {"name": "a.cap"}, "no such recording"),
        ("mark", "stairs", "nothing is connected: connect first"),
        ("mark", None, "nothing is connected: connect first"),
        ("strip", {"start_s": 0, "seconds": 61}, "up to 60 s: choose a shorter one"),
        ("strip", {"start_s": float("nan"), "seconds": 1}, "choose a shorter one"),
        ("addProfile", "name = 7", "correct it"),
        ("addProfile", "\x00", "correct it"),
    ],
)
def test_a_call_that_makes_no_sense_is_a_sentence(name: str, args: Any, says: str) -> None:
    with pytest.raises((ConfigError, StorageError)) as caught:
        call(name, args)
    assert says in sentence(caught.value)


def test_the_choosers_own_errors_are_sentences() -> None:
    told = call("explain", {"name": "NotFoundError", "message": "Bluetooth adapter not available."})
    assert told.endswith(": switch Bluetooth on, put the wearable on, and choose it again")
    assert "(Bluetooth adapter not available)" in told


def test_described_devices_are_few_and_can_be_replaced() -> None:
    described = """
    name = "{}"
    service = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
    characteristic = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
    fs = {}
    dtype = "int16"
    scale_mv = 0.001
    """
    phone = Phone()
    for number in range(20):
        told = run_simulated(phone.call("addProfile", text=described.format(number, 250)))
        assert told == {"name": str(number), "fs": 250.0}
    assert run_simulated(phone.call("addProfile", text=described.format(7, 500)))["fs"] == 500.0
    with pytest.raises(ConfigError, match="20 devices are described already"):
        run_simulated(phone.call("addProfile", text=described.format(20, 250)))


def test_an_error_that_nobody_foresaw_is_safe_to_show() -> None:
    told = sentence(ValueError("\x1b[2J" + "x" * 1000))
    assert "\x1b" not in told
    assert len(told) < 300
    assert told.endswith("report it if it comes again")
    assert sentence(asyncio.CancelledError()) == "that was given up: connect again"


def test_messages_are_few_and_figures_come_once_more() -> None:
    posted: list[Any] = []

    async def run() -> None:
        screen = Screen(posted.append)
        sink = screen.show("strap", mark=lambda text: None)
        await asyncio.sleep(1.0)
        posted.clear()
        for number in range(100):  # a hundred blocks within a tenth of a second
            sink.take([SampleBlock(np.zeros(13, np.float32), fs=130.0, sample=13 * number)])
            await asyncio.sleep(0.001)
        await asyncio.sleep(2.0)
        kinds = [json.loads(one)["type"] if isinstance(one, str) else "frame" for one in posted]
        assert 2 <= kinds.count("frame") <= 6
        assert kinds.count("state") == 2  # at once, and when it is due again
        states = [json.loads(one) for one in posted if isinstance(one, str) and '"state"' in one]
        assert states[-1]["now_s"] == 10.0
        posted.clear()
        await asyncio.sleep(60.0)
        assert posted == []

    run_simulated(run())


def test_a_page_that_was_hidden_gets_what_is_now() -> None:
    posted: list[Any] = []

    async def run() -> None:
        screen = Screen(posted.append)
        sink = screen.show("strap")
        sink.take([SampleBlock(np.zeros(130, np.float32), fs=130.0, sample=0)])
        await asyncio.sleep(1.0)
        posted.clear()
        screen.now()
        await asyncio.sleep(1.0)
        (frame,) = [one for one in posted if isinstance(one, bytes)]
        assert int.from_bytes(frame[4:8], "little") == 130

    run_simulated(run())


class Bytes:
    """A Uint8Array as Python sees it."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def to_bytes(self) -> bytes:
        return self._data


class JsError(Exception):
    """An error of JavaScript's as Python sees it."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name, self.message = name, message


class Side:
    """JavaScript's side of the worker, as ``worker.js`` and ``recordings.js`` have it."""

    def __init__(self, browser: VirtualBrowser) -> None:
        self.browser, self.files, self.posted = browser, SideFiles(), list[str | bytes]()

    async def ask(self, do: str, what: str, data: bytes | None) -> Any:
        given = json.loads(what) | ({} if data is None else {"data": data})
        try:
            answer = await self.browser.ask(do, **given)
        except WebError as error:
            return json.dumps({"error": str(error), "name": error.dom_name})
        return Bytes(answer) if isinstance(answer, bytes) else json.dumps({"result": answer})

    def post(self, text: str) -> None:
        assert isinstance(text, str)
        self.posted.append(text)

    def send(self, data: bytes) -> None:
        assert isinstance(data, bytes)
        self.posted.append(data)


class SideFiles(HeldFiles):
    """The same files, with JavaScript's values and errors."""

    async def names(self) -> Any:
        return json.dumps(await super().names())

    async def create(self, name: str) -> Any:
        return SideFile(await super().create(name))

    async def open(self, name: str) -> Any:
        if name not in self.held:
            raise JsError("NotFoundError", "A requested file or directory could not be found.")
        return SideFile(await super().open(name))


class SideFile:
    def __init__(self, file: Any) -> None:
        self.append, self.size, self.close = file.append, file.size, file.close
        self.read = lambda at, n: Bytes(file.read(at, n))


def test_javascript_is_given_texts_and_bytes_alone() -> None:
    strap = VirtualH10(np.zeros(130 * 20))

    async def run() -> Side:
        side = Side(VirtualBrowser(strap))
        app = App(side)
        side.browser.notified = lambda uuid, data: app.notified(uuid, Bytes(data))
        side.browser.disconnected = app.disconnected

        async def ask(call: str, file: Any = None, /, **args: Any) -> Any:
            answer = await app.call(call, json.dumps(args), file)
            return json.loads(answer) if isinstance(answer, str) else answer

        assert (await ask("start"))["result"]["version"] == __version__
        assert "filters" in (await ask("chooser"))["result"]
        told = (await ask("connect", name=strap.name))["result"]
        assert told["name"] == strap.name
        await asyncio.sleep(10.0)
        assert (await ask("mark", text="stairs")) == {"result": None}
        assert len((await ask("strip", start_s=2.0, seconds=2.0))["result"]["mv"]) == 260
        assert "disconnect first" in (await ask("connect", name="x"))["error"]
        assert (await ask("disconnect")) == {"result": None}
        (listed,) = (await ask("recordings"))["result"]
        assert listed["device"] == strap.name
        text = (await ask("events", name=listed["name"]))["result"]
        assert '"text": "stairs"' in text
        taken = await ask("take", name=listed["name"])
        assert (await ask("open", taken, name="copy.cap"))["result"] == "copy.cap"
        assert (await ask("events", name="none.cap"))["error"].startswith("there is no such recording")
        assert (await ask("remove", name="copy.cap")) == {"result": None}
        return side

    side = run_simulated(run())
    assert any(isinstance(one, bytes) for one in side.posted)
    assert side.files.all_closed


class Strict(asyncio.SelectorEventLoop):
    """Pyodide's event loop in what it refuses."""

    def call_later(self, delay: float, *args: Any, **options: Any) -> Any:
        if delay < 0:
            raise ValueError("Can't schedule in the past")
        return super().call_at(self.time() + delay, *args, **options)

    def call_at(self, when: float, *args: Any, **options: Any) -> Any:
        time.sleep(1e-4)  # the clock goes on
        return self.call_later(when - self.time(), *args, **options)


def test_a_time_limit_that_has_just_passed_is_no_error_in_a_browser() -> None:
    async def run() -> str:
        app = App(Side(VirtualBrowser(VirtualH10(np.zeros(13)))))
        await app.call("now", "{}")
        for _ in range(20):
            with suppress(TimeoutError):
                async with asyncio.timeout(5e-5):
                    await asyncio.sleep(1.0)
        return "all passed"

    with asyncio.Runner(loop_factory=Strict) as runner:
        assert runner.run(run()) == "all passed"


_LEAN = "import sys, ecgedge.monitor, ecgedge.phone.connection, ecgedge.phone.browser; print(*sys.modules)"
_BARE = "import sys, numpy, asyncio; print(*sys.modules)"  # what these load cannot be helped
_HEAVY = """
bleak bleak_retry_connector dbus_fast typer rich click platformdirs bumble starlette sqlite3 ssl socketserver
http.client email multiprocessing subprocess tempfile shutil mmap concurrent.futures.thread numpy.random
numpy.testing ecgedge.recording ecgedge.cli ecgedge.report ecgedge.sinks.queued ecgedge.sinks.outlets
ecgedge_bridge.simulation ecgedge_bridge.wired ecgedge_bridge.link.bleak_radio
""".split()


def test_the_worker_loads_nothing_that_a_phone_does_without() -> None:
    run = partial(subprocess.run, capture_output=True, text=True, check=True)
    loaded, bare = (set(run([sys.executable, "-c", code]).stdout.split()) for code in (_LEAN, _BARE))
    assert "ecgedge_bridge.link.web_radio" in loaded
    assert not (loaded - bare).intersection(_HEAVY)
