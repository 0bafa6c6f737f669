"""Workers that die, a scheduler that dies, and what the cluster of one machine opens to others."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from ecgedge.scale.parts import open_table
from ecgedge.scale.places import Input
from ecgedge.scale.plan import Plan
from ecgedge.scale.receipts import all_receipts
from ecgedge.scale.run import RunError, outcomes
from ecgedge.scale.task import do

Write = Callable[..., Path]

Plans = Callable[[Path], Plan]


def digests(plan: Plan) -> dict[str, dict[str, str]]:
    return {
        one.input: {table: part.sha256 for table, part in one.parts.items()}
        for one in all_receipts(Path(plan.out))
    }


def test_nothing_listens_beyond_this_machine(client: Any) -> None:
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    listening = [
        (connection.laddr.ip, connection.laddr.port)
        for process in processes
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 3
    assert {address for address, _ in listening} == {"127.0.0.1"}
    assert client.scheduler.address.startswith("tls://")


def test_workers_serve_no_pages_and_keep_no_samples_of_their_stacks(client: Any) -> None:
    for key, wanted in (
        ("distributed.worker.http.routes", []),
        ("distributed.worker.profile.enabled", False),
    ):
        assert set(map(str, client.run(_setting, key).values())) == {str(wanted)}


def _setting(key: str) -> Any:
    import dask

    return dask.config.get(key)


def test_a_worker_that_is_killed_costs_no_result(
    client: Any, many: list[Input], tmp_path: Path, planned: Plans
) -> None:
    plan, alone = planned(tmp_path / "out"), planned(tmp_path / "alone")
    began = set(client.run(os.getpid).values())
    killed = threading.Thread(target=_kill_who_reads, args=(many[0].path, began))
    killed.start()
    ended = [outcome.name for outcome in outcomes(client, plan, many)]
    killed.join(timeout=0)
    assert not killed.is_alive()
    assert began != set(client.run(os.getpid).values())
    assert sorted(ended) == sorted(one.name for one in many)
    for given in many:
        do(given, alone)
    assert digests(plan) == digests(alone)
    assert open_table(plan.out, "summary").count_rows() == len(many)


def _kill_who_reads(path: str, processes: set[int]) -> None:
    """Wait until one of the processes has a file open, and kill it."""
    while True:
        for pid in processes:
            if any(file.path == path for file in psutil.Process(pid).open_files()):
                os.kill(pid, signal.SIGKILL)
                return
        time.sleep(0.01)


def test_few_tasks_are_on_their_way_at_a_time(
    client: Any, many: list[Input], tmp_path: Path, planned: Plans
) -> None:
    plan, most, held = planned(tmp_path / "out"), 0, 0
    for _ in outcomes(client, plan, many[1:]):
        known = [one.status for one in client.futures.values()]
        most, held = max(most, known.count("pending")), max(held, len(known))
    assert 1 <= most <= 4  # two for each worker
    assert held <= 8  # and those that are just being forgotten


def test_a_folder_that_cannot_be_written_ends_the_run(
    client: Any, many: list[Input], tmp_path: Path, planned: Plans
) -> None:
    plan = planned(tmp_path / "out")
    for folder in Path(plan.out).iterdir():
        folder.rmdir()
    with pytest.raises(RunError, match="go on with --resume"):
        list(outcomes(client, plan, many[1:4]))
