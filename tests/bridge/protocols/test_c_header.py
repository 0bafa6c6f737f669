"""``firmware/ecg_frame.h``: compiles as strict C99, and writes the very bytes of the Python encoder."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgedge_bridge.protocols.own.frames import MAX_SAMPLES, RATES, crc16, encode_frame, fit

FIRMWARE = Path(__file__).parents[3] / "firmware_bridge" / "firmware"
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", f"-I{FIRMWARE}")
# The functions of the header are inline: these make them callable from outside.
SOURCE = """
#include "ecg_frame.h"
size_t encode(uint8_t *, size_t, const int32_t *, size_t, uint8_t, uint16_t, uint32_t);
size_t fit(const int32_t *, size_t, size_t);
uint16_t crc(const uint8_t *, size_t);
uint8_t rate_code(uint16_t);
size_t encode(uint8_t *out, size_t capacity, const int32_t *uv, size_t n, uint8_t rate, uint16_t no,
              uint32_t ms)
{ return ecg_frame_encode(out, capacity, uv, n, rate, no, ms); }
size_t fit(const int32_t *uv, size_t n, size_t capacity) { return ecg_frame_fit(uv, n, capacity); }
uint16_t crc(const uint8_t *data, size_t n) { return ecg_frame_crc(data, n); }
uint8_t rate_code(uint16_t fs) { return ecg_frame_rate_code(fs); }
"""
ARM = (("arm-none-eabi-gcc", ("-mcpu=cortex-m0", "-mthumb")), ("arm-linux-gnueabihf-gcc", ()))
INT24 = st.integers(-(1 << 23), (1 << 23) - 1)
SIGNALS = st.one_of(
    st.lists(INT24, min_size=1, max_size=MAX_SAMPLES),
    st.lists(st.integers(-300, 300), min_size=1, max_size=MAX_SAMPLES),
)

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc, which is not installed")


@pytest.fixture(scope="module")
def c(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The header as a shared object."""
    folder = tmp_path_factory.mktemp("c")
    (folder / "frame.c").write_text(SOURCE)
    made = folder / "frame.so"
    subprocess.run(
        ["gcc", *STRICT, "-O2", "-shared", "-fPIC", "-o", made, folder / "frame.c"], check=True, timeout=120
    )
    library = ctypes.CDLL(str(made))
    words, size = ctypes.POINTER(ctypes.c_int32), ctypes.c_size_t
    library.encode.argtypes = [
        ctypes.c_char_p, size, words, size, ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32
    ]  # fmt: skip
    library.encode.restype = library.fit.restype = size
    library.fit.argtypes = [words, size, size]
    library.crc.argtypes, library.crc.restype = [ctypes.c_char_p, size], ctypes.c_uint16
    library.rate_code.argtypes, library.rate_code.restype = [ctypes.c_uint16], ctypes.c_uint8
    return library


def words(microvolt: list[int]) -> ctypes.Array[ctypes.c_int32]:
    return (ctypes.c_int32 * len(microvolt))(*microvolt)


def encode_c(
    c: ctypes.CDLL, microvolt: list[int], rate: int, sequence: int, time_ms: int, capacity: int = 1024
) -> bytes:
    out = ctypes.create_string_buffer(b"\xaa" * (capacity + 8), capacity + 8)
    length = c.encode(out, capacity, words(microvolt), len(microvolt), rate, sequence, time_ms)
    assert length <= capacity
    assert out.raw[length:] == b"\xaa" * (capacity + 8 - length)
    return out.raw[:length]


@given(
    SIGNALS,
    st.integers(1, len(RATES) - 1),
    st.integers(0, 65_535),
    st.integers(0, (1 << 32) - 1),
)
def test_c_and_python_write_the_same_bytes(
    c: ctypes.CDLL, microvolt: list[int], code: int, sequence: int, time_ms: int
) -> None:
    expected = encode_frame(np.array(microvolt), RATES[code], sequence, time_ms)
    assert encode_c(c, microvolt, code, sequence, time_ms) == expected


@given(SIGNALS, st.integers(0, 400))
def test_c_fills_a_notification_as_python_does(c: ctypes.CDLL, microvolt: list[int], capacity: int) -> None:
    n = c.fit(words(microvolt), len(microvolt), capacity)
    if capacity < 20:
        assert n == 0
        return
    assert n == fit(np.array(microvolt), capacity)
    assert 0 < len(encode_c(c, microvolt[:n], 6, 0, 0, capacity)) <= capacity


@given(SIGNALS)
def test_c_writes_nothing_where_there_is_no_room(c: ctypes.CDLL, microvolt: list[int]) -> None:
    length = len(encode_frame(np.array(microvolt), 250, 0, 0))
    assert encode_c(c, microvolt, 6, 0, 0, length - 1) == b""
    assert len(encode_c(c, microvolt, 6, 0, 0, length)) == length


@pytest.mark.parametrize(("microvolt", "code"), [([], 6), ([0] * 256, 6), ([1, 2], 0)])
def test_c_refuses_what_cannot_be_encoded(c: ctypes.CDLL, microvolt: list[int], code: int) -> None:
    assert encode_c(c, microvolt, code, 0, 0) == b""


@given(st.lists(st.integers(-(1 << 31), (1 << 31) - 1), min_size=1, max_size=50))
def test_c_clips_at_the_rails(c: ctypes.CDLL, microvolt: list[int]) -> None:
    clipped = np.clip(np.array(microvolt), -(1 << 23), (1 << 23) - 1)
    assert encode_c(c, microvolt, 6, 1, 2) == encode_frame(clipped, 250, 1, 2)


@given(st.binary(max_size=300))
def test_c_and_python_have_the_same_checksum(c: ctypes.CDLL, data: bytes) -> None:
    assert c.crc(data, len(data)) == crc16(data)


def test_c_and_python_have_the_same_rates(c: ctypes.CDLL) -> None:
    codes = {fs: c.rate_code(fs) for fs in range(0, 2000)}
    assert {fs: code for fs, code in codes.items() if code} == {
        fs: code for code, fs in enumerate(RATES) if code
    }


@pytest.mark.parametrize(("compiler", "flags"), ARM, ids=[compiler for compiler, _ in ARM])
def test_it_compiles_for_32_bit_arm(compiler: str, flags: tuple[str, ...], tmp_path: Path) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"needs {compiler}, which is not installed")
    (tmp_path / "frame.c").write_text(SOURCE)
    command = [compiler, *STRICT, *flags, "-Os", "-ffreestanding", "-c", "frame.c"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=120)
    assert (tmp_path / "frame.o").stat().st_size > 0


def test_the_header_is_alone() -> None:
    text = (FIRMWARE / "ecg_frame.h").read_text()
    includes = {line.split()[1] for line in text.splitlines() if line.startswith("#include")}
    assert includes <= {"<stddef.h>", "<stdint.h>", "<string.h>"}
    assert not any(word in text for word in ("malloc(", "calloc(", "alloca("))
