"""The native core says what a monitor says, byte for byte: every event, whatever is missing, at any rate."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from phone_twin import Floats, PhoneLibrary, monitor_lines, phone_library

import ecgedge
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge_bridge.values import SampleBlock

sys.path.append(str(Path(__file__).parents[3] / "e2e"))
from event_digests import MADE, made

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
SANITIZED = ("-O1", "-g", "-fsanitize=undefined", "-fno-sanitize-recover=all")
RATES = sorted({recipe.fs for recipe in MADE.values()} | {130.0, 250.0})
EXAMPLES = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="session")
def models() -> ecgedge.Models:
    return ecgedge.Models.load("core")


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> PhoneLibrary:
    return phone_library(tmp_path_factory.mktemp("phone"), RATES, *SANITIZED)


def cut(mv: Floats, fs: float, cuts: list[int], hats: list[float | None] | None = None) -> list[SampleBlock]:
    """Blocks of these lengths in turn, and of these measured rates."""
    blocks, at = [], 0
    while at < len(mv):
        turn = len(blocks)
        piece = mv[at : at + cuts[turn % len(cuts)]]
        blocks.append(SampleBlock(piece, fs, at, fs_hat=hats[turn % len(hats)] if hats else None))
        at += len(piece)
    return blocks


def said(library: PhoneLibrary, blocks: list[SampleBlock]) -> list[str]:
    """Lines of the library."""
    assert library.begin(blocks[0].fs)
    for block in blocks:
        assert library.samples(block.samples, block.sample, block.fs_hat or 0.0) == 0
    return library.finish()


@pytest.mark.parametrize("name", MADE)
def test_made_recordings(name: str, models: ecgedge.Models, library: PhoneLibrary) -> None:
    blocks = cut(made(MADE[name]), MADE[name].fs, [997])
    found = said(library, blocks)
    assert {json.loads(line)["type"] for line in found} >= {"beat", "quality", "hrv"}
    assert found == monitor_lines(models, blocks)


def test_every_kind_of_event_of_a_monitor_comes(library: PhoneLibrary) -> None:
    lines = [line for name in MADE for line in said(library, cut(made(MADE[name]), MADE[name].fs, [4000]))]
    events = [json.loads(line) for line in lines]
    assert {event["type"] for event in events} == {"beat", "quality", "rhythm", "hrv", "gap", "note"}
    assert {e["code"] for e in events if e["type"] == "note"} >= {"bridged", "units"}
    assert {e["reason"] for e in events if e["type"] == "gap"} >= {"not_finite"}


LENGTHS = st.lists(st.integers(1, 3000), min_size=1, max_size=8)


@EXAMPLES
@given(cuts=LENGTHS)
def test_cuts_change_nothing(library: PhoneLibrary, cuts: list[int]) -> None:
    mv = made(MADE["made/every kind"])[4000:14_000]
    assert said(library, cut(mv, 130.0, cuts)) == said(library, cut(mv, 130.0, [len(mv)]))


@EXAMPLES
@given(
    cuts=LENGTHS,
    hats=st.lists(st.one_of(st.none(), st.floats(118.0, 142.0)), min_size=1, max_size=40),
)
def test_the_rate_that_a_device_really_has_stretches_the_same(
    models: ecgedge.Models, library: PhoneLibrary, cuts: list[int], hats: list[float | None]
) -> None:
    blocks = cut(made(MADE["made/every kind"])[:9000], 130.0, cuts, hats)
    assert said(library, blocks) == monitor_lines(models, blocks)


PART = st.tuples(st.sampled_from(["sinus", "af", "pvc", "noise"]), st.integers(1, 40), st.integers(30, 190))
MISSING = st.lists(
    st.tuples(st.integers(0, 9000), st.sampled_from([1, 2, 3, 5, 130, 900]),
              st.sampled_from([np.nan, np.inf, 1.1e12, 0.0, 5.0, 3e4])),
    max_size=6,
)  # fmt: skip


@EXAMPLES
@given(
    parts=st.lists(PART, min_size=1, max_size=3), seed=st.integers(0, 1000),
    fs=st.sampled_from([130.0, 250.0]), missing=MISSING, size=st.sampled_from([1.0, 1.0, 0.001, 2e4]),
    cuts=LENGTHS,
)  # fmt: skip
def test_any_signal(
    models: ecgedge.Models,
    library: PhoneLibrary,
    parts: list[Any],
    seed: int,
    fs: float,
    missing: list[Any],
    size: float,
    cuts: list[int],
) -> None:
    mv = size * synthesize([Segment(*part) for part in parts], fs, seed=seed).mv.astype(np.float32)
    for at, n, value in missing:
        mv[at : at + n] = value
    blocks = cut(mv, fs, cuts)
    assert said(library, blocks) == monitor_lines(models, blocks)


BLOCKS = st.lists(st.tuples(st.integers(-400, 900), st.integers(0, 700)), min_size=1, max_size=40)


@EXAMPLES
@given(steps=BLOCKS)
def test_blocks_that_are_lost_come_twice_or_are_empty(
    models: ecgedge.Models, library: PhoneLibrary, steps: list[tuple[int, int]]
) -> None:
    mv = made(MADE["made/every kind"])
    blocks, at = [], 0
    for step, n in steps:
        at = max(0, at + step)
        blocks.append(SampleBlock(mv[at : at + n], 130.0, at))
        at += n
    assert said(library, blocks) == monitor_lines(models, blocks)


def test_what_is_no_place_or_no_rate_is_not_taken(library: PhoneLibrary) -> None:
    mv = made(MADE["made/every kind"])[:2000]
    assert library.begin(130.0)
    for sample, fs_hat in ((-2, 0.0), (2**53 + 1, 0.0), (0, 116.9), (0, 143.1), (0, float("nan"))):
        assert library.samples(mv, sample, fs_hat) == -1
    assert library.receive(b"\0" * 20, 0.0) == -1
    assert library.finish() == []
    assert not library.begin(130.0, less=1)


def test_a_stream_goes_on_behind_its_end(models: ecgedge.Models, library: PhoneLibrary) -> None:
    mv = made(MADE["made/every kind"])[:6000]
    monitor = ecgedge.Monitor(models)
    events = []
    assert library.begin(130.0)
    for start in (0, 3000):
        events += monitor.feed(SampleBlock(mv[start : start + 3000], 130.0, start)) + monitor.finish()
        library.samples(mv[start : start + 3000])
        library.finish()
    assert [json.loads(line) for line in library.lines] == json.loads(
        json.dumps([event.to_json() for event in events])
    )
