"""Lines as boards print them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests_of_wires import joined, received

from ecgedge_bridge.codes import FrameCode
from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.protocols.own.frames import split_frames
from ecgedge_bridge.values import FrameLost, SampleBlock
from ecgedge_bridge.wired.cobs import enveloped
from ecgedge_bridge.wired.decoders import ByteDecoder, Wanted
from ecgedge_bridge.wired.lines import LONGEST, Line, LineSplitter, read_line
from ecgedge_bridge.wired.table import find_layout

NAN = float("nan")


@pytest.mark.parametrize(
    ("line", "numbers"),
    [
        (b"512", (512.0,)),
        (b" -0.25 ", (-0.25,)),
        (b"1e-3", (0.001,)),
        (b"12,512", (12.0, 512.0)),
        (b"12;512", (12.0, 512.0)),
        (b"12\t512", (12.0, 512.0)),
        (b"12 512 0 1", (12.0, 512.0, 0.0, 1.0)),
        (b"ecg:512", (512.0,)),
        (b"ECG = 512, Lead off: 0", (512.0, 0.0)),
        (b"\xef\xbb\xbf512", (512.0,)),
        (b"!", (NAN,)),
        (b"nan", (NAN,)),
        (b"inf", (NAN,)),
        (b"7,NaN", (7.0, NAN)),
        (b"512,", (512.0,)),
    ],
)
def test_numbers(line: bytes, numbers: tuple[float, ...]) -> None:
    assert np.array_equal(read_line(line).numbers, numbers, equal_nan=True)
    assert not read_line(line).is_bad


@pytest.mark.parametrize("line", [b"", b"  ", b"# hello", b"// 512", b"% x", b"; 1"])
def test_nothing(line: bytes) -> None:
    assert read_line(line) == Line()


@pytest.mark.parametrize(("line", "names"), [(b"t,ecg", ("t", "ecg")), (b"Heart rate", ("Heart rate",))])
def test_headers(line: bytes, names: tuple[str, ...]) -> None:
    assert read_line(line) == Line(names=names)


@pytest.mark.parametrize(
    "line",
    [b"5\xff2", b"1_000", b"0x1F", b"12abc", b"12 abc", b"\x01\x02", b"1" * 100, b"1,2" * 40, "٥١٢".encode(),
     b"1e999", b"\x1b[2J5"],
)  # fmt: skip
def test_damaged(line: bytes) -> None:
    assert read_line(line).is_bad


@given(st.binary(max_size=200))
def test_any_bytes_are_a_line(line: bytes) -> None:
    found = read_line(line)
    assert all(math.isnan(one) or math.isfinite(one) for one in found.numbers)


@given(st.binary(), st.lists(st.integers(1, 50), min_size=1))
def test_lines_do_not_depend_on_cuts(data: bytes, sizes: list[int]) -> None:
    whole = LineSplitter()
    expected = [*whole.split(data), whole.rest()]
    cut, found, at, k = LineSplitter(), [], 0, 0
    while at < len(data):
        size = sizes[k % len(sizes)]
        found += list(cut.split(data[at : at + size]))
        at, k = at + size, k + 1
    assert [*found, cut.rest()] == expected


def test_a_line_without_an_end_is_not_kept() -> None:
    lines = LineSplitter()
    for _ in range(1000):
        assert list(lines.split(b"1" * 5000)) == []
        assert len(lines._rest) <= LONGEST
    assert list(lines.split(b"2\n513\n")) == [b"\0", b"513"]


@pytest.mark.parametrize(
    ("step", "fs", "found"),
    [
        (4, None, (250.0, 0.001)),
        (4000, None, (250.0, 1e-6)),
        (0.008, None, (125.0, 1.0)),
        (7.8125, None, (128.0, 0.001)),
        (2, 500.0, (500.0, 0.001)),
        (1, 250.0, (250.0, 0.004)),  # a count of samples
        (1, 1000.0, (1000.0, 0.001)),
    ],
)
def test_a_clock_is_found_by_its_steps(step: float, fs: float | None, found: tuple[float, float]) -> None:
    rows = [(1000 + step * k, 512 + k % 3) for k in range(300)]
    layout = find_layout(rows, (), fs, None, "board")
    assert (layout.fs, layout.tick_s) == pytest.approx(found)
    assert (layout.time, layout.value) == (0, 1)


def test_a_clock_in_whole_milliseconds_shows_the_rate_that_is_meant() -> None:
    rows = [(int(k * 1000 / 130), 512) for k in range(512)]
    assert find_layout(rows, (), None, None, "board").fs == 130.0


def test_columns_that_are_no_clock_have_to_be_chosen() -> None:
    rows = [(512 + k % 5, 300 + k % 7) for k in range(300)]
    with pytest.raises(ConfigError, match="2 columns of numbers: choose one with --channel"):
        find_layout(rows, (), 250.0, None, "board")
    assert find_layout(rows, (), 250.0, "1", "board").value == 1
    assert find_layout(rows, ("ecg", "resp"), 250.0, "resp", "board").value == 1
    with pytest.raises(ConfigError, match="no column of that name: give --channel 0 to 1"):
        find_layout(rows, ("ecg", "resp"), 250.0, "acc", "board")


def test_bare_numbers_without_a_rate_are_refused() -> None:
    with pytest.raises(ConfigError, match="board does not say how fast it samples: give --fs"):
        received([b"512\n513\n514\n"], Wanted())


def lines(values: list[object]) -> bytes:
    return "".join(f"{value}\r\n" for value in values).encode()


def test_what_is_missing_keeps_its_place() -> None:
    values: list[object] = [*range(20), "!", "!", 22, "5?3", 24, "# a comment", "", *range(25, 60)]
    events = received([lines(values)], Wanted(fs=250.0))
    found = joined(events)
    assert [k for k, value in found.items() if math.isnan(value)] == [20, 21, 23]
    assert all(value == k for k, value in found.items() if not math.isnan(value))
    assert len(found) == 60
    (lost,) = [event for event in events if isinstance(event, FrameLost)]
    assert lost.code is FrameCode.VALUE


def test_stamps_make_gaps_of_exactly_what_is_missing_also_where_the_clock_wraps() -> None:
    start = (1 << 32) - 400 * 4000  # micros() wraps in the middle
    taken = [k for k in range(800) if not 300 <= k < 345]
    data = lines([f"{(start + 4000 * k) % (1 << 32)},{k}" for k in taken])
    events = received([data], Wanted())
    assert joined(events) == {k: float(k) for k in taken}
    blocks = [event for event in events if isinstance(event, SampleBlock)]
    assert {block.fs for block in blocks} == {250.0}
    assert all(block.fs_hat is None or block.fs_hat == pytest.approx(250, rel=1e-3) for block in blocks)


def test_a_line_that_was_begun_before_we_came_is_not_taken() -> None:
    decoder = ByteDecoder("board", Wanted(fs=250.0), is_whole=False)
    events = decoder.receive(b"2\n513\n514\n515\n", 0.0) + decoder.link_lost()
    events += decoder.receive(b"7\n518\n519\n", 1.0) + decoder.finish()
    values = list(joined(events).values())
    assert values == [513, 514, 515, 518, 519]


@given(st.lists(st.integers(1, 700), min_size=1), st.booleans(), st.integers(0, 60))
def test_the_same_bytes_give_the_same_blocks_however_they_are_cut(
    sizes: list[int], frames: bool, start: int
) -> None:
    uv = np.arange(900) % 97 * 11 - 400
    # A byte of line end lies in many of these frames.
    stream = b"".join(map(enveloped, split_frames(uv, 250, capacity=200))) if frames else lines([*uv])
    stream = b"Booting\r\n"[: start % 10] + stream[start:]
    pieces, at, k = [], 0, 0
    while at < len(stream):
        pieces.append(stream[at : at + sizes[k % len(sizes)]])
        at, k = at + len(pieces[-1]), k + 1

    def shape(events: list[object]) -> list[object]:
        return [
            (event.sample, event.samples.tolist()) if isinstance(event, SampleBlock) else event
            for event in events
        ]

    whole = received([stream], Wanted(fs=250.0))
    assert sum(len(event.samples) for event in whole if isinstance(event, SampleBlock)) > 500
    assert shape(received(pieces, Wanted(fs=250.0))) == shape(whole)
