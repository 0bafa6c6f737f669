"""A share of what ``misuse.py`` does: every public function of the core, called rightly and wrongly."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from misuse import LEAKING, Misuse, unleaking
from recipes import RECIPES, made, public
from sanitized import absent, build, run
from values import MeddlerWithBuffer, RefusedError, refuse

from ecgedge.arithmetic.core import core

pytestmark = pytest.mark.skipif(core is None, reason="no compiled core here")
HERE = Path(__file__).parent


@pytest.fixture(autouse=True, scope="module")
def apart() -> Iterator[None]:
    """Keep what other tests have left in this process away from the collector, which looks at all of it."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def test_every_public_name_has_a_recipe() -> None:
    assert set(RECIPES) == public(core)


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_recipe_is_right_and_what_is_spoiled_is_refused(name: str) -> None:
    """The fuzzer gets past the first check of each function; a call without its arguments is refused."""
    kind, _, method = name.partition(".")
    for seed in range(10):
        rng = np.random.default_rng(seed)
        getattr(made(kind, rng), method)(*RECIPES[name](rng)) if method else getattr(core, name)(
            *RECIPES[name](rng)
        )
    report = Misuse(core, 3, [name]).run(400)
    assert not report.problems
    assert report.served[name] > 20
    assert report.refused[name] > 20


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_function_keeps_no_memory(name: str) -> None:
    assert not unleaking(core, name, LEAKING, seed=5)


@pytest.mark.slow
def test_misused_in_every_way_it_lives() -> None:
    """In a process of its own: a core that does not live must not take the tests with it."""
    script = [str(HERE / "misuse.py"), "--count", "10000", "--seed", "7"]
    command = [sys.executable, "-X", "faulthandler", *script]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "problem" not in ended.stdout


def test_a_leak_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Any] = []
    monkeypatch.setitem(RECIPES, "log", lambda rng: kept.append(bytes(1)) or (1.0,))
    assert unleaking(core, "log", LEAKING, seed=5)


@pytest.mark.slow
@pytest.mark.skipif(absent() is not None, reason=str(absent()))
def test_sanitizers_find_nothing(tmp_path: Path) -> None:
    folder = build(tmp_path)
    for script, *more in (["misuse.py", "--count", "50000"], ["../fuzz.py", "--count", "150000"]):
        ended = run(folder, str(HERE / script), *more, fill=0xFF)
        assert ended.returncode == 0, ended.stdout + ended.stderr[:6000]


@pytest.mark.slow
@pytest.mark.skipif(absent() is not None, reason=str(absent()))
def test_sanitizers_would_find_something(tmp_path: Path) -> None:
    """One byte behind what Python has allocated."""
    ended = run(
        tmp_path, "-c", "import ctypes; ctypes.memmove(ctypes.create_string_buffer(64), bytes(700), 65)"
    )
    assert ended.returncode != 0
    assert "heap-buffer-overflow" in ended.stderr


# ---- what fuzzing has found


def test_no_keywords_at_all_are_fine() -> None:
    core.History(*(), **{})


@pytest.mark.parametrize("form", ["fB", "BBBB"])
def test_memory_with_records_as_items_is_refused(form: str) -> None:
    """Its first letter said the type and its length the number of values, which were others."""
    testbuffer = pytest.importorskip("_testbuffer")
    items = testbuffer.ndarray([(1,) * len(form)] * 8, shape=[8], format=form)
    with pytest.raises(TypeError, match="an array of type"):
        core.flat_share(items, 100.0)
    with pytest.raises(TypeError, match="an array of type"):
        core.sample_entropy(np.zeros(8, np.int32), items, 1)


def test_a_power_that_is_no_number_is_refused_as_in_python() -> None:
    with pytest.raises(ValueError, match="no number"):
        core.exp(float("nan"))


def test_the_gate_takes_what_is_no_number() -> None:
    """The live gate sees no such window; a probability of it was an undefined conversion to an integer."""
    rng = np.random.default_rng(0)
    x = np.full(1000, np.nan, np.float32)
    odds, score, *_ = made("Gate", rng).assess(x, np.arange(100.0, 900.0, 100.0), np.ones(8), float("nan"))
    assert np.isnan(odds)
    assert np.isnan(score)


@pytest.mark.parametrize("name", ["BeatNet", "Detector", "Front", "Gate", "History", "Intervals", "Net8"])
def test_types_take_no_keywords_and_cannot_be_changed(name: str) -> None:
    kind, arguments = getattr(core, name), RECIPES[name](np.random.default_rng(0))
    with pytest.raises(TypeError):
        kind(*arguments, fs=1.0)
    with pytest.raises(TypeError):
        kind.reset = None


def test_a_module_that_is_loaded_again_has_networks_of_its_own() -> None:
    """Both take each other's: the type of a network was kept once for all of them."""
    code = (
        "import sys, importlib, numpy as np\n"
        "first = importlib.import_module('ecgedge._core')\n"
        "del sys.modules['ecgedge._core']\n"
        "again = importlib.import_module('ecgedge._core')\n"
        "assert first.BeatNet is not again.BeatNet\n"
        "for make in (first, again):\n"
        "    net = make.BeatNet(1, np.zeros(9 + 1 + 3 * 10 + 4, np.float32), 0.4, 0.2)\n"
        "    first.Detector(net), again.Detector(net)\n"
    )
    subprocess.run([sys.executable, "-X", "faulthandler", "-c", code], check=True)


def test_an_input_of_gigabytes_is_refused() -> None:
    with pytest.raises(ValueError, match="lengths"):
        core.model_input(np.ones(10, np.float32), 2, 0.1, 2**31, 5.0)


@pytest.mark.parametrize("given", [lambda: MeddlerWithBuffer(b"", refuse), lambda: memoryview(bytearray(8))])
def test_an_error_leaves_a_stream_as_it_was(given: Callable[[], Any]) -> None:
    rng = np.random.default_rng(2)
    arguments, x = RECIPES["Front"](rng), RECIPES["Front.feed"](rng)[0]
    plain, disturbed = (core.Front(*arguments) for _ in range(2))
    for at in range(0, 400, 40):
        with pytest.raises((TypeError, ValueError, RefusedError)):
            disturbed.feed(given())
        assert disturbed.feed(x[at : at + 40]) == plain.feed(x[at : at + 40])
