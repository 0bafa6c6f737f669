"""Work that is spread over processes: the same results in the same order, whatever becomes of a process."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from ecgedge.artefacts.folder import BUNDLED
from ecgedge_bridge.errors import ConfigError
from ecgedge_export.spread import Chosen, Spread, here, spread

pytest.importorskip("distributed", reason="the extra scale is not installed")


@pytest.fixture(scope="module")
def two() -> Iterator[Spread]:
    """Two processes."""
    with spread(workers=2) as each:
        yield each


def doubled(number: int) -> tuple[int, int]:
    return 2 * number, os.getpid()


def odd_only(number: int) -> int:
    if number % 2:
        return number
    raise ConfigError(f"{number} is even: give another")


def broken(number: int) -> float:
    return 1 / number


def dies_once(folder: Path, number: int) -> int:
    """Kill the process that does the third, the first time."""
    mark = folder / "died"
    if number == 2 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def dies(number: int) -> int:
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_results_come_in_the_order_of_the_items(two: Spread) -> None:
    found = list(two(doubled, range(40)))
    assert [number for number, _ in found] == [2 * number for number in range(40)]
    assert os.getpid() not in {process for _, process in found}
    assert list(two(doubled, [])) == []


def test_only_a_few_wait_at_a_time(two: Spread) -> None:
    asked = []

    def items() -> Iterator[int]:
        for number in range(1000):
            asked.append(number)
            yield number

    found = two(doubled, items())
    assert next(found)[0] == 0
    assert len(asked) < 20
    found.close()  # type: ignore[attr-defined]


def test_an_error_is_raised_as_it_is_here(two: Spread) -> None:
    for each in (here, two):
        found = each(odd_only, [1, 3, 4, 5])
        assert [next(found), next(found)] == [1, 3]
        with pytest.raises(ConfigError, match="4 is even: give another"):
            next(found)


def test_a_fault_is_told_in_a_sentence(two: Spread) -> None:
    with pytest.raises(ConfigError, match="ZeroDivisionError: division by zero"):
        list(two(broken, [1, 0]))


def test_the_work_of_a_process_that_was_killed_is_done_again(two: Spread, tmp_path: Path) -> None:
    assert list(two(partial(dies_once, tmp_path), range(8))) == list(range(8))
    assert (tmp_path / "died").exists()


def test_what_kills_three_processes_is_named(two: Spread) -> None:
    with pytest.raises(ConfigError, match="three workers died at 1: "):
        list(two(dies, range(2)))


def test_one_process_is_this_one_and_both_are_refused() -> None:
    for workers in (None, 1):
        with spread(workers) as each:
            assert each is here
    with pytest.raises(ConfigError, match="not both"), spread(2, "tcp://127.0.0.1:1"):
        pass


def test_a_process_has_one_monitor_until_its_models_change(tmp_path: Path) -> None:
    shutil.copytree(BUNDLED / "rhythm", tmp_path / "rhythm")
    chosen = Chosen("auto", (("rhythm", tmp_path / "rhythm"),))
    first = chosen.monitor()
    assert chosen.monitor() is first
    os.utime(tmp_path / "rhythm" / "manifest.json", ns=(1, 1))
    assert chosen.monitor() is not first
