"""The link on Web Bluetooth: the same state machine, with a page where bleak is elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from virtual_browser import VirtualBrowser

from ecgedge_bridge import Battery, Fault, LinkError, LinkTiming, Note, SampleBlock, VirtualH10, run_simulated
from ecgedge_bridge.link.errors import explain, is_final, reason
from ecgedge_bridge.link.options import ConnectOptions, Listeners
from ecgedge_bridge.link.wearable import Wearable
from ecgedge_bridge.link.web_radio import WebError, WebRadio
from ecgedge_bridge.protocols.polar.control import (
    GET_ECG_SETTINGS,
    PMD_CONTROL,
    PMD_DATA,
    START_ECG,
    STOP_ECG,
)
from ecgedge_bridge.protocols.standard.heart_rate import BATTERY_LEVEL
from ecgedge_bridge.values import LinkState

UP = ["connecting", "setting_up", "waiting", "streaming"]
NAMES = (
    "NetworkError NotFoundError SecurityError NotSupportedError InvalidStateError AbortError "
    "NotAllowedError InvalidModificationError UnknownError"
).split()


def ecg(seconds: float) -> np.ndarray:
    return np.random.default_rng(5).integers(-4000, 4000, round(seconds * 130)) / 1000


@asynccontextmanager
async def linked(
    strap: Any, said: list[Any], name: str | None = None, rest: list[SampleBlock] | None = None
) -> AsyncIterator[tuple[Wearable, VirtualBrowser]]:
    browser = VirtualBrowser(strap)
    called = strap.name if name is None else name
    radio = WebRadio(browser, called)
    browser.notified, browser.disconnected = radio.notified, radio.disconnected
    listeners = Listeners(None, said.append, None, None if rest is None else rest.append)
    wearable = Wearable(ConnectOptions(called, None, ("battery",)), listeners, LinkTiming(), radio)
    try:
        await wearable.open()
        yield wearable, browser
    finally:
        await wearable.close()


def states(said: list[Any]) -> list[str]:
    return [event.state for event in said if isinstance(event, LinkState)]


async def blocks_of(wearable: Wearable, until: int) -> list[SampleBlock]:
    blocks = []
    async with asyncio.timeout(600):
        async for block in wearable:
            blocks.append(block)
            if block.end_sample >= until:
                break
    return blocks


def assert_true_to(blocks: list[SampleBlock], mv: np.ndarray, strap: VirtualH10) -> None:
    got = np.full(len(mv), np.nan, np.float32)
    for block in blocks:
        got[block.sample : block.end_sample] = block.samples
    expected = mv.astype(np.float32)
    for gap in strap.ledger.lost:
        expected[gap.start : gap.stop] = np.nan
    np.testing.assert_array_equal(got, expected)


def test_every_sample_arrives_and_the_page_is_asked_for_each_step() -> None:
    mv, said = ecg(60), list[Any]()
    strap = VirtualH10(mv)

    async def run() -> tuple[list[SampleBlock], VirtualBrowser]:
        async with linked(strap, said) as (wearable, browser):
            return await blocks_of(wearable, len(mv)), browser

    blocks, browser = run_simulated(run())
    assert_true_to(blocks, mv, strap)
    assert states(said) == ["scanning", *UP, "stopped"]
    assert [event.percent for event in said if isinstance(event, Battery)] == [87]
    assert strap.commands == [GET_ECG_SETTINGS, START_ECG, STOP_ECG]
    assert browser.asked == [
        ("connect", ""),
        ("read", BATTERY_LEVEL),
        ("subscribe", BATTERY_LEVEL),
        ("subscribe", PMD_CONTROL),
        ("subscribe", PMD_DATA),
        ("write", PMD_CONTROL),
        ("write", PMD_CONTROL),
        ("write", PMD_CONTROL),
        ("unsubscribe", BATTERY_LEVEL),
        ("unsubscribe", PMD_CONTROL),
        ("unsubscribe", PMD_DATA),
        ("disconnect", ""),
    ]
    assert not browser.connected


def test_a_lost_link_comes_back_without_another_choice() -> None:
    mv, said = ecg(120), list[Any]()
    strap = VirtualH10(mv, faults=[Fault(10.0, "disconnect", 3.0), Fault(40.0, "disconnect", 20.0)])

    async def run() -> list[SampleBlock]:
        async with linked(strap, said) as (wearable, _):
            return await blocks_of(wearable, len(mv))

    assert_true_to(run_simulated(run()), mv, strap)
    assert states(said).count("backing_off") >= 3  # the second time, the first tries come too early
    assert {event.code for event in said if isinstance(event, LinkState) and event.code} == {"lost"}
    assert states(said)[-1] == "stopped"


def test_silence_is_noticed_and_the_browser_told_to_hang_up() -> None:
    mv, said = ecg(60), list[Any]()
    strap = VirtualH10(mv, faults=[Fault(5.0, "silence", 30.0)])

    async def run() -> VirtualBrowser:
        async with linked(strap, said) as (wearable, browser):
            await blocks_of(wearable, len(mv))
            return browser

    browser = run_simulated(run())
    assert next(event.code for event in said if isinstance(event, LinkState) and event.code) == "no_data"
    assert [do for do, _ in browser.asked].count("disconnect") >= 2


@pytest.mark.parametrize("name", ["NetworkError", "NotSupportedError", "InvalidStateError"])
def test_a_device_that_cannot_be_connected_to_is_given_up_after_three_tries(name: str) -> None:
    said: list[Any] = []
    strap = VirtualH10(ecg(5))

    async def run() -> None:
        browser = VirtualBrowser(strap)
        browser.refuses["connect"] = WebError(name, "Connection failed for unknown reason.")
        radio = WebRadio(browser, strap.name)
        wearable = Wearable(ConnectOptions(strap.name), Listeners(None, said.append), LinkTiming(), radio)
        try:
            await wearable.open()
        finally:
            await wearable.close()
            assert [do for do, _ in browser.asked] == ["connect"] * 3

    with pytest.raises(
        LinkError, match=r"in 3 tries \(Connection failed for unknown reason\.\): move closer"
    ):
        run_simulated(run())


def test_what_has_to_be_allowed_first_is_told_at_once() -> None:
    strap = VirtualH10(ecg(5), needs_pairing=True)

    async def run() -> None:
        async with linked(strap, []):
            pass

    with pytest.raises(LinkError, match=r"\(GATT operation not authorized\): confirm the pairing") as caught:
        run_simulated(run())
    assert caught.value.code == "denied"
    assert not strap.running


@pytest.mark.parametrize("name", NAMES)
def test_every_error_of_a_browser_says_what_happened_and_what_to_do(name: str) -> None:
    error = WebError(name, "The browser's words.")
    told = explain(error)
    what, advice = str(told).split(": ", 1)
    assert what.endswith("(The browser's words)")
    assert len(advice) > 10
    assert told.code == reason(error).code != "other"
    assert is_final(error) == (name in ("SecurityError", "NotAllowedError"))


def test_a_connection_that_takes_too_long_is_called_off() -> None:
    asked: list[str] = []

    class Slow:
        async def ask(self, do: str, **what: Any) -> Any:
            asked.append(do)
            if do == "connect":
                await asyncio.Event().wait()

    async def run() -> None:
        radio = WebRadio(Slow(), "Polar H10 1")
        wearable = Wearable(ConnectOptions("Polar H10 1"), Listeners(), LinkTiming(connect_s=5.0), radio)
        try:
            await wearable.open()
        finally:
            await wearable.close()

    with pytest.raises(LinkError, match="no answer in time"):
        run_simulated(run())
    assert asked == ["connect", "disconnect"] * 3


def test_a_nameless_device_and_one_of_another_name_are_what_was_chosen() -> None:
    mv = ecg(5)
    for name in ("", "Gürtel \u202e"):
        strap = VirtualH10(mv)

        async def run(strap: VirtualH10 = strap, name: str = name) -> tuple[str, list[SampleBlock]]:
            async with linked(strap, [], name) as (wearable, _):
                assert wearable.profile is not None
                return wearable.profile.name, await blocks_of(wearable, len(mv))

        profile, blocks = run_simulated(run())
        assert profile == "polar"
        assert {block.device for block in blocks} == {name}


def test_what_still_came_while_hanging_up_is_given_where_it_is_wanted() -> None:
    """The strap answers the stop late, and its frames go on until then: none that came is left out."""
    mv, said, rest = ecg(60), list[Any](), list[SampleBlock]()
    strap = VirtualH10(mv, speed=20)
    heard: list[bytes] = []

    async def run() -> int:
        async with linked(strap, said, rest=rest) as (wearable, browser):
            blocks = await blocks_of(wearable, 1000)
            ask = browser.ask

            async def late(do: str, **what: Any) -> Any:
                if do == "write":
                    heard.append(what["data"])
                    await asyncio.sleep(1.0)  # 20 s of ECG
                return await ask(do, **what)

            browser.ask = late  # type: ignore[method-assign]
            return blocks[-1].end_sample

    end = run_simulated(run())
    assert heard == [STOP_ECG]
    assert rest[0].sample == end
    assert [after.sample for after in rest[1:]] == [before.end_sample for before in rest[:-1]]
    assert sum(len(block.samples) for block in rest) > 1000
    assert states(said)[-1] == "stopped"
    assert not [event for event in said if isinstance(event, Note)]
