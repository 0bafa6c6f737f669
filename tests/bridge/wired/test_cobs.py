"""Frames in a stream of bytes: found whatever stands between them and however it is cut."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgedge_bridge.errors import FrameError
from ecgedge_bridge.protocols.own.frames import encode_frame, split_frames
from ecgedge_bridge.wired.cobs import LONGEST, FrameSplitter, cobs, enveloped, uncobs

FRAMES = split_frames(np.arange(600) % 97 * 11 - 400, 250, capacity=120)
FIRMWARE = Path(__file__).parents[3] / "firmware_bridge" / "firmware"
SOURCE = """
#include "ecg_frame.h"
size_t envelope(uint8_t *, size_t, const uint8_t *, size_t);
size_t envelope(uint8_t *out, size_t capacity, const uint8_t *frame, size_t length)
{ return ecg_frame_envelope(out, capacity, frame, length); }
"""


@pytest.mark.parametrize(
    ("plain", "stuffed"),
    [
        # The examples of Cheshire and Baker's algorithm, as Wikipedia lists them.
        ("00", "01 01"),
        ("00 00", "01 01 01"),
        ("00 11 00", "01 02 11 01"),
        ("11 22 00 33", "03 11 22 02 33"),
        ("11 22 33 44", "05 11 22 33 44"),
        ("11 00 00 00", "02 11 01 01 01"),
        (bytes(range(1, 255)).hex(), "ff" + bytes(range(1, 255)).hex()),
        (bytes(range(0, 255)).hex(), "01 ff" + bytes(range(1, 255)).hex()),
        (bytes(range(1, 256)).hex(), "ff" + bytes(range(1, 255)).hex() + "02 ff"),
        (bytes([*range(2, 256), 0]).hex(), "ff" + bytes(range(2, 256)).hex() + "01 01"),
        (bytes([*range(3, 256), 0, 1]).hex(), "fe" + bytes(range(3, 256)).hex() + "02 01"),
    ],
)
def test_known_examples(plain: str, stuffed: str) -> None:
    assert cobs(bytes.fromhex(plain)) == bytes.fromhex(stuffed)
    assert uncobs(bytes.fromhex(stuffed)) == bytes.fromhex(plain)


@given(st.binary(max_size=1200))
def test_there_and_back(data: bytes) -> None:
    stuffed = cobs(data)
    assert 0 not in stuffed
    assert len(stuffed) <= len(data) + len(data) // 254 + 1
    assert uncobs(stuffed) == data


@given(st.binary(max_size=300))
def test_any_bytes_unstuff_or_are_refused(data: bytes) -> None:
    with suppress(FrameError):
        assert len(uncobs(data)) <= len(data)


def test_the_example_of_the_protocol() -> None:
    frame = encode_frame(np.array([0, 5, 3, -2]), 250, 7, 1000)
    text = (FIRMWARE.parent / "PROTOCOL.md").read_text()
    assert f"Example, the frame above: `{enveloped(frame).hex(' ').upper()}`." in text
    assert f"No more than {LONGEST} bytes are kept." in text


@given(st.lists(st.binary(max_size=60).map(lambda b: b.replace(b"\0", b"\1")), min_size=12, max_size=12),
       st.lists(st.integers(1, 200), min_size=1))  # fmt: skip
def test_every_frame_is_found_between_noise_however_it_is_cut(noise: list[bytes], sizes: list[int]) -> None:
    frames = FRAMES[: len(noise)]
    stream = b"".join(n + enveloped(f) for n, f in zip(noise, frames, strict=False))
    splitter, found, at, k = FrameSplitter(), [], 0, 0
    while at < len(stream):
        size = sizes[k % len(sizes)]
        found += list(splitter.split(stream[at : at + size]))
        at, k = at + size, k + 1
    assert [one.frame for one in found if one.error is None] == list(frames)
    thrown = [one.size for one in found if one.error is not None]
    assert thrown == [len(n) for n in noise[: len(frames)] if n]


@given(st.integers(1, 400))
def test_joining_in_the_middle_loses_one_frame_at_most(start: int) -> None:
    stream = b"".join(map(enveloped, FRAMES))
    found = [one.frame for one in FrameSplitter().split(stream[start:]) if one.error is None]
    before = [len(b"".join(map(enveloped, FRAMES[: k + 1]))) for k in range(len(FRAMES))]
    whole = sum(end - len(enveloped(FRAMES[k])) >= start for k, end in enumerate(before))
    assert found == FRAMES[len(FRAMES) - len(found) :]
    assert len(found) >= whole


def test_bytes_without_an_end_are_not_kept() -> None:
    splitter = FrameSplitter()
    for _ in range(2000):
        assert list(splitter.split(b"\xe1" * 1000)) == []
    assert len(splitter._rest) <= LONGEST
    (lost, good) = splitter.split(enveloped(FRAMES[0]))
    assert (lost.size, good.frame) == (2_000_000, FRAMES[0])


@pytest.fixture(scope="module")
def c(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The header as a shared object."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc, which is not installed")
    folder = tmp_path_factory.mktemp("c")
    (folder / "envelope.c").write_text(SOURCE)
    made = folder / "envelope.so"
    strict = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", f"-I{FIRMWARE}")
    subprocess.run(
        ["gcc", *strict, "-O2", "-shared", "-fPIC", "-o", made, folder / "envelope.c"],
        check=True,
        timeout=120,
    )
    library = ctypes.CDLL(str(made))
    size = ctypes.c_size_t
    library.envelope.argtypes = [ctypes.c_char_p, size, ctypes.c_char_p, size]
    library.envelope.restype = size
    return library


@given(st.one_of(st.binary(min_size=1, max_size=800), st.binary(min_size=250, max_size=260).map(
    lambda b: b.replace(b"\0", b"\7"))))  # fmt: skip
def test_c_and_python_make_the_same_envelope(c: ctypes.CDLL, frame: bytes) -> None:
    capacity = len(frame) + len(frame) // 254 + 3
    out = ctypes.create_string_buffer(b"\xaa" * (capacity + 8), capacity + 8)
    length = c.envelope(out, capacity, frame, len(frame))
    assert out.raw[:length] == enveloped(frame)
    assert out.raw[capacity:] == b"\xaa" * 8
    assert c.envelope(out, capacity - 1, frame, len(frame)) == 0
