"""The doors themselves: a pseudo-terminal, a TCP server, an LSL outlet."""

from __future__ import annotations

import asyncio
import os
import tty
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests_of_wires import joined

from ecgedge_bridge import LinkTiming, attach
from ecgedge_bridge.codes import LinkCode
from ecgedge_bridge.errors import ConfigError, LinkError
from ecgedge_bridge.protocols.own.frames import split_frames
from ecgedge_bridge.values import FrameLost, LinkState, SampleBlock
from ecgedge_bridge.wired.cobs import enveloped

FS = 250
N = 2500
UV = np.round(400 * np.sin(np.arange(N) / 7) + np.arange(N) % 13).astype(np.int64)
FRAMES = split_frames(UV, FS, capacity=120)
STREAM = b"".join(map(enveloped, FRAMES))
MV = {k: float(np.float32(value) / np.float32(1000)) for k, value in enumerate(UV.tolist())}
QUICK = LinkTiming(first_find_s=20, no_data_s=20, first_frame_s=20, back_off_s=0.05, back_off_max_s=0.2)
LIMIT_S = 60  # nothing here takes a second; a machine may be busy


async def take(wired: Any, count: int) -> list[SampleBlock]:
    """Blocks until so many samples have come, or the end."""
    blocks: list[SampleBlock] = []
    async with asyncio.timeout(LIMIT_S):
        async for block in wired:
            blocks.append(block)
            if sum(len(one.samples) for one in blocks) >= count:
                break
    return blocks


async def reached(told: list[Any], state: str, times: int) -> None:
    """Wait until the link has come to a state for so many times."""
    async with asyncio.timeout(LIMIT_S):
        while sum(getattr(event, "state", "") == state for event in told) < times:
            await asyncio.sleep(0.01)


class Port:
    """A serial port: the end of a pseudo-terminal that a board would hold, and a path that comes and goes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ours = self.theirs = -1

    def plug_in(self) -> None:
        self.ours, self.theirs = os.openpty()
        tty.setraw(self.theirs)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(self.theirs))

    def pull_out(self) -> None:
        self.path.unlink(missing_ok=True)
        for fd in (self.ours, self.theirs):
            with suppress(OSError):
                os.close(fd)

    async def send(self, data: bytes) -> None:
        """Send as a UART does, no faster than it is read."""
        os.set_blocking(self.ours, False)
        while data:
            try:
                data = data[os.write(self.ours, data[:512]) :]
            except BlockingIOError:
                await asyncio.sleep(0.005)


@pytest.fixture
def port(tmp_path: Path) -> Any:
    pytest.importorskip("serial", reason="the extra serial is not installed")
    made = Port(tmp_path / "ttyUSB0")
    yield made
    made.pull_out()


@asynccontextmanager
async def serving(*answers: bytes | Callable[[Any], Any]) -> AsyncIterator[int]:
    """A server that gives each connection the next answer, the last one for ever, and hangs up."""
    left = list(answers)

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = left.pop(0) if len(left) > 1 else left[0]
        with suppress(ConnectionError):
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(writer)
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_frames_over_a_serial_port(port: Port) -> None:
    port.plug_in()
    told: list[Any] = []
    async with attach(f"serial:{port.path}", on_event=told.append, timing=QUICK) as board:
        sending = asyncio.create_task(port.send(b"Booting...\r\n" + STREAM))
        blocks = await take(board, N)
        await sending
    assert joined(blocks) == MV
    states = [event.state for event in told if isinstance(event, LinkState)]
    assert states == ["scanning", "connecting", "waiting", "streaming", "stopped"]
    assert {block.fs for block in blocks} == {FS}


async def test_numbers_over_a_serial_port(port: Port) -> None:
    port.plug_in()
    text = "".join(f"{value / 1000}\r\n" for value in UV)
    async with attach(f"serial:{port.path}?baud=9600", fs=FS, timing=QUICK) as board:
        sending = asyncio.create_task(port.send(text.encode()))
        # The first line may be the end of one; the last ones wait for their batch.
        blocks = await take(board, N - 50)
        await sending
    values = list(joined(blocks).values())
    assert values == [float(np.float32(value / 1000)) for value in UV[1 : len(values) + 1]]


async def test_a_port_that_is_pulled_out_and_plugged_in_again(port: Port) -> None:
    port.plug_in()
    told: list[Any] = []
    half = len(FRAMES) // 2
    async with attach(f"serial:{port.path}", on_event=told.append, timing=QUICK) as board:
        await port.send(b"".join(map(enveloped, FRAMES[:half])))
        before = await take(board, board.stats.samples + 500)
        port.pull_out()
        # More than what may wait of the first half.
        waiting = asyncio.create_task(take(board, 1000))
        async with asyncio.timeout(LIMIT_S):
            while not any(getattr(event, "state", "") == "backing_off" for event in told):
                await asyncio.sleep(0.01)
        port.plug_in()
        await reached(told, "waiting", 2)  # opening a port throws away what came before
        sending = asyncio.create_task(port.send(b"".join(map(enveloped, FRAMES[half + 2 :]))))
        after = await waiting
        await sending
    states = [event for event in told if isinstance(event, LinkState)]
    (lost,) = [event for event in states if event.state == "backing_off"]
    assert lost.code is LinkCode.LOST
    assert [one.state for one in states].count("streaming") == 2
    found = joined([*before, *after])
    assert {k: MV[k] for k in found} == found  # every sample at its own place: the frames' numbers tell it
    assert max(found) > min(len(found), 1000)


async def test_a_port_that_comes_late_is_waited_for(port: Port) -> None:
    told: list[Any] = []

    async def come() -> None:
        await reached(told, "scanning", 1)
        await asyncio.sleep(0.3)
        port.plug_in()
        await reached(told, "waiting", 1)  # opening a port throws away what came before
        await port.send(STREAM)

    coming = asyncio.create_task(come())
    async with attach(f"serial:{port.path}", on_event=told.append, timing=QUICK) as board:
        assert joined(await take(board, N)) == MV
    await coming


async def test_a_wrong_baud_rate_is_an_error_that_says_so(
    port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecgedge_bridge.wired.door._UNREADABLE_S", 0.1)
    port.plug_in()
    noise = np.random.default_rng(1).integers(128, 256, 1 << 20, np.uint8).tobytes()
    sending = asyncio.create_task(port.send(noise))
    with pytest.raises(LinkError, match=r"nothing that came could be read .* baud rate") as told:
        async with attach(f"serial:{port.path}", timing=QUICK) as board:
            await take(board, 1)
    assert told.value.code is LinkCode.UNREADABLE
    sending.cancel()


async def test_what_is_no_serial_port_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("serial", reason="the extra serial is not installed")
    (tmp_path / "file").write_text("512\n")
    with pytest.raises(LinkError, match="check that it is a serial port"):
        async with attach(f"serial:{tmp_path / 'file'}", timing=QUICK):
            pass


async def test_what_never_comes_is_an_error_with_advice(tmp_path: Path) -> None:
    pytest.importorskip("serial", reason="the extra serial is not installed")
    with pytest.raises(LinkError, match=r"was not found in .* s: plug it in") as told:
        async with attach(f"serial:{tmp_path}/none", timing=QUICK, find_timeout_s=0.3):
            pass
    assert told.value.code is LinkCode.NOT_FOUND


async def test_frames_over_tcp_with_reconnections() -> None:
    told: list[Any] = []
    third = len(FRAMES) // 3
    parts = [b"".join(map(enveloped, FRAMES[k : k + third])) for k in range(0, len(FRAMES), third)]
    async with (
        serving(*parts, b"") as number,
        attach(f"tcp:127.0.0.1:{number}", on_event=told.append, timing=QUICK) as board,
    ):
        assert joined(await take(board, N)) == MV
    assert [getattr(event, "code", None) for event in told].count(LinkCode.LOST) >= 2
    assert board.stats.lost == 0


async def test_a_flood_of_garbage_neither_grows_nor_stalls(monkeypatch: pytest.MonkeyPatch) -> None:
    import tracemalloc

    # A machine that is busy takes longer over it than a board may be unreadable.
    monkeypatch.setattr("ecgedge_bridge.wired.door._UNREADABLE_S", 1e6)
    noise = np.random.default_rng(1).integers(0, 256, 1 << 20, np.uint8).tobytes()

    async def flood(writer: asyncio.StreamWriter) -> None:
        for _ in range(6):
            writer.write(noise)
            await writer.drain()
        writer.write(b"\0" + STREAM)
        await writer.drain()

    told: list[Any] = []
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0)

    async with (
        serving(flood) as number,
        attach(f"tcp:127.0.0.1:{number}", on_event=told.append, timing=QUICK) as b,
    ):
        beating = asyncio.create_task(beat())
        tracemalloc.start()
        blocks = await take(b, N)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        beating.cancel()
    assert joined(blocks) == MV
    assert peak < 2 << 20  # the flood has 6 MB
    assert beats > 20
    assert sum(isinstance(event, FrameLost) for event in told) <= 1


async def test_ipv6() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM)
        await writer.drain()
        writer.close()

    try:
        server = await asyncio.start_server(serve, "::1", 0)
    except OSError:
        pytest.skip("this machine has no IPv6")
    async with server, attach(f"tcp:[::1]:{server.sockets[0].getsockname()[1]}", timing=QUICK) as board:
        assert joined(await take(board, N)) == MV


async def test_a_host_without_an_address_is_an_error() -> None:
    with pytest.raises(LinkError, match=r"has no address|is no name"):
        async with attach("tcp:no-such-host.invalid:9000", timing=QUICK):
            pass


async def test_a_server_that_always_hangs_up_is_an_error_at_first() -> None:
    async with serving(b"") as number:
        with pytest.raises(LinkError, match="connection was lost"):
            async with attach(f"tcp:127.0.0.1:{number}", timing=QUICK) as board:
                await take(board, 1)


async def test_numbers_without_a_rate_are_a_config_error() -> None:
    async with serving(b"512\n513\n514\n515\n516\n") as number:
        with pytest.raises(ConfigError, match="give --fs"):
            async with attach(f"tcp:127.0.0.1:{number}", timing=QUICK) as board:
                await take(board, 1)


async def test_silence_is_a_lost_link_and_leaving_is_at_once() -> None:
    over = asyncio.Event()

    async def silent(writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM)
        await over.wait()

    told: list[Any] = []
    timing = LinkTiming(no_data_s=0.2, back_off_s=0.05, back_off_max_s=0.1)
    async with (
        serving(silent) as number,
        attach(f"tcp:127.0.0.1:{number}", on_event=told.append, timing=timing) as b,
    ):
        waiting = asyncio.create_task(take(b, 3 * N))
        async with asyncio.timeout(LIMIT_S):
            while not any(getattr(event, "code", None) is LinkCode.NO_DATA for event in told):
                await asyncio.sleep(0.01)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        over.set()
    assert told[-1].state == "stopped"


# --- LSL ---


@pytest.fixture
def pylsl() -> Any:
    try:
        import pylsl
    except (ImportError, RuntimeError):
        pytest.skip("the extra lsl is not installed, or liblsl is missing")
    from ecgedge_bridge.wired.lsl import hush

    hush(pylsl)
    return pylsl


def outlet(pylsl: Any, name: str, fs: float = FS, channels: int = 1, unit: str = "microvolts") -> Any:
    info = pylsl.StreamInfo(name, "ECG", channels, fs, pylsl.cf_float32, uuid.uuid4().hex)
    described = info.desc().append_child("channels")
    for k in range(channels):
        channel = described.append_child("channel")
        channel.append_child_value("label", f"c{k}")
        channel.append_child_value("unit", unit)
    return pylsl.StreamOutlet(info)


async def push(
    pylsl: Any, stream: Any, columns: list[np.ndarray[Any, Any]], skipped: range = range(0)
) -> None:
    """Push all in pieces, once somebody listens; some samples are left out, which stamps show."""
    while not stream.have_consumers():
        await asyncio.sleep(0.02)
    start_s = pylsl.local_clock()
    table = np.stack(columns, 1).astype(np.float32)
    for at in range(0, len(table), 25):
        if at not in skipped:
            stream.push_chunk(table[at : at + 25], start_s + (at + 24) / FS)
        await asyncio.sleep(0)


async def test_an_lsl_stream_with_a_gap(pylsl: Any) -> None:
    name = f"ecgedge-test-{uuid.uuid4().hex[:8]}"
    stream = outlet(pylsl, name)
    async with attach(f"lsl:{name}", timing=QUICK) as board:
        pushing = asyncio.create_task(push(pylsl, stream, [UV], range(1000, 1200)))
        blocks = await take(board, N - 200)
        await pushing
    found = joined(blocks)
    assert found == {k: value for k, value in MV.items() if not 1000 <= k < 1200}
    assert board.stats.lost == 200
    assert board.fs_hat == pytest.approx(FS, rel=1e-3)


async def test_a_channel_of_several_by_its_name_or_number(pylsl: Any) -> None:
    name = f"ecgedge-test-{uuid.uuid4().hex[:8]}"
    stream = outlet(pylsl, name, channels=3)
    with pytest.raises(ConfigError, match="3 channels: choose one with --channel 0 to 2"):
        async with attach(f"lsl:{name}", timing=QUICK):
            pass
    for channel in ("1", "c1"):
        async with attach(f"lsl:{name}", channel=channel, timing=QUICK) as board:
            pushing = asyncio.create_task(push(pylsl, stream, [UV * 2, UV, UV * 3]))
            assert joined(await take(board, N)) == MV
            await pushing


async def test_an_irregular_rate_is_refused(pylsl: Any) -> None:
    name = f"ecgedge-test-{uuid.uuid4().hex[:8]}"
    kept = outlet(pylsl, name, fs=pylsl.IRREGULAR_RATE)
    with pytest.raises(ConfigError, match="no regular rate"):
        async with attach(f"lsl:{name}", timing=QUICK):
            pass
    del kept


async def test_an_outlet_that_goes_and_comes_again(pylsl: Any) -> None:
    name = f"ecgedge-test-{uuid.uuid4().hex[:8]}"
    told: list[Any] = []
    stream = outlet(pylsl, name)
    async with attach(f"lsl:{name}", on_event=told.append, timing=QUICK) as board:
        pushing = asyncio.create_task(push(pylsl, stream, [UV]))
        await take(board, 2000)
        await pushing
        stream = None
        waiting = asyncio.create_task(take(board, N))
        async with asyncio.timeout(LIMIT_S):
            while not any(getattr(event, "code", None) is LinkCode.LOST for event in told):
                await asyncio.sleep(0.01)
        stream = outlet(pylsl, name)
        pushing = asyncio.create_task(push(pylsl, stream, [UV]))
        await waiting
        await pushing
    assert board.stats.segments + (board.stats.lost > 0) > 1  # the stamps of ten seconds came at once


async def test_our_own_outlet_is_read_back(pylsl: Any) -> None:
    from ecgedge.sinks.registry import open_outlet

    name = f"ecgedge-test-{uuid.uuid4().hex[:8]}"
    sink = open_outlet(f"lsl:{name}", device="strap", tell=print)
    values = (UV / 1000).astype(np.float32)
    sink.take([SampleBlock(values[:25], FS, 0)])
    async with attach(f"lsl:{name}", timing=QUICK) as board:
        # A consumer gets what is sent once the outlet knows of it.
        taking = asyncio.create_task(take(board, 2000))
        while not taking.done() and len(values) > 25:
            for at in range(25, N, 25):
                sink.take([SampleBlock(values[at : at + 25], FS, at)])
                await asyncio.sleep(0.001)
            break
        blocks = await taking
    sink.close()
    got = np.concatenate([block.samples for block in blocks])
    first = int(
        np.flatnonzero(np.all(np.lib.stride_tricks.sliding_window_view(values, 200) == got[:200], axis=1))[0]
    )
    assert np.array_equal(got, values[first : first + len(got)])
