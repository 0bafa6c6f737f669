"""Recordings that kill their workers, Ctrl-C, and drivers and schedulers that die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from distributed import WorkerPlugin

from ecgedge.scale import run
from ecgedge.scale.cluster import open_cluster
from ecgedge.scale.parts import open_table
from ecgedge.scale.places import Input
from ecgedge.scale.plan import Plan
from ecgedge.scale.receipts import Receipt, path_of
from ecgedge.scale.run import outcomes

Plans = Callable[[Path], Plan]


class Deadly(WorkerPlugin):
    """A worker that dies of one recording, as of one that takes more memory than there is."""

    def setup(self, worker: Any) -> None:
        """Take the place of the analysis."""
        import ecgedge.scale.task as task

        analyse = task.analyse

        def deadly(path: Path, name: str, *others: Any) -> Any:
            if name.endswith("/05.csv"):
                os.kill(os.getpid(), signal.SIGKILL)
            return analyse(path, name, *others)

        task.analyse = deadly


def test_a_recording_that_kills_its_workers_is_an_error_and_the_only_one(
    many: list[Input], tmp_path: Path, planned: Plans
) -> None:
    plan = planned(tmp_path / "out")
    with open_cluster(2) as client:
        client.register_plugin(Deadly(), name="deadly")
        found = {outcome.name: outcome for outcome in outcomes(client, plan, many[1:])}
    assert {name[-6:]: one.error.code for name, one in found.items() if one.error} == {"05.csv": "killed"}
    (row,) = open_table(plan.out, "errors").to_table().to_pylist()
    assert row["message"].endswith("give it more memory, or look at it with 'ecgedge replay'")
    assert Receipt.read(path_of(Path(plan.out), many[5])).error is not None
    assert open_table(plan.out, "summary").count_rows() == 10


def test_what_a_worker_had_found_when_it_died_is_found_again(
    many: list[Input], tmp_path: Path, planned: Plans, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A result is lost between its end and its arrival: the run waits for another, and does not give up."""
    monkeypatch.setattr(run, "_ANSWER_S", 0.2)
    plan, inputs, found = planned(tmp_path / "out"), many[1:4], list[str]()
    with open_cluster(2) as client:
        workers = client.run(os.getpid).values()
        for outcome in outcomes(client, plan, inputs):
            found.append(outcome.name)
            if len(found) == 1:  # until the others have ended too
                end_s = time.monotonic() + 60
                while not all(path_of(Path(plan.out), one).exists() for one in inputs):
                    assert time.monotonic() < end_s
                    time.sleep(0.1)
                time.sleep(0.5)
            if len(found) == 2:
                for worker in workers:
                    os.kill(worker, signal.SIGKILL)
    assert sorted(found) == sorted(one.name for one in inputs)
    assert open_table(plan.out, "summary").count_rows() == 3


def test_a_driver_that_is_killed_goes_on(many: list[Input], tmp_path: Path, program: Any) -> None:
    out, folder = tmp_path / "out", Path(many[0].path).parent
    command = ("batch", str(folder), "--out", str(out), "--workers", "2", "--json")
    with program.cli().start(*command) as running:
        next(running.stdout)  # a first recording is done
        children = psutil.Process(running.pid).children(recursive=True)
        running.kill()
    assert json.loads((out / "manifest.json").read_text())["state"] == "running"
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive  # workers do not outlive it
    done = program.cli().run(*command, "--resume")
    assert (done.returncode, done.stderr) == (0, "")
    end = json.loads(done.stdout.splitlines()[-1])
    assert end["recordings"] == len(many)
    assert 1 <= end["unchanged"] < len(many)
    assert open_table(out, "summary").count_rows() == len(many)
    assert not list(out.glob("*/.*.part"))


def test_ctrl_c_keeps_what_was_done(many: list[Input], tmp_path: Path, program: Any) -> None:
    out = tmp_path / "out"
    with program.cli().start("batch", *(one.path for one in many), "--out", str(out), "--json") as running:
        next(running.stdout)
        running.send_signal(signal.SIGINT)
        _, stderr = running.communicate(timeout=60)
    assert running.returncode != 0
    assert "Traceback" not in stderr
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["state"] == "interrupted"
    assert 1 <= manifest["counts"]["recordings"] < len(many)


def dask(*arguments: str) -> subprocess.Popen[str]:
    """A part of a cluster, as somebody else would start it."""
    return subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Callable[[], tuple[str, subprocess.Popen[str]]]]:
    """What starts a scheduler with a worker, and gives its address and its process."""
    started: list[subprocess.Popen[str]] = []

    def start() -> tuple[str, subprocess.Popen[str]]:
        said = tmp_path / f"scheduler{len(started)}.json"
        here = ("--host", "127.0.0.1", "--no-dashboard")
        scheduler = dask("scheduler", *here, "--port", "0", "--scheduler-file", str(said))
        started.append(scheduler)
        for _ in range(600):
            if said.exists() and said.read_text():
                break
            time.sleep(0.1)
        worker = (
            "--nthreads",
            "1",
            "--no-nanny",
            "--death-timeout",
            "10",
            "--local-directory",
            str(tmp_path),
        )
        started.append(dask("worker", "--scheduler-file", str(said), "--host", "127.0.0.1", *worker))
        address: str = json.loads(said.read_text())["address"]
        return address, scheduler

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_scheduler_that_dies_ends_the_run_which_goes_on_with_another(
    cluster: Callable[[], tuple[str, subprocess.Popen[str]]], many: list[Input], tmp_path: Path, program: Any
) -> None:
    out = tmp_path / "out"
    command = ("batch", *(one.path for one in many), "--out", str(out), "--json", "--scheduler")
    address, scheduler = cluster()
    with program.cli().start(*command, address) as running:
        next(running.stdout)
        scheduler.kill()
        _, stderr = running.communicate(timeout=120)
    assert running.returncode == 1
    assert stderr.splitlines()[-1] == (
        "ecgedge: the scheduler went away: start one again, and go on with --resume"
    )
    assert "Traceback" not in stderr
    assert json.loads((out / "manifest.json").read_text())["state"] == "interrupted"
    address, _ = cluster()
    done = program.cli().run(*command, address, "--resume")
    assert (done.returncode, done.stderr) == (0, "")
    assert open_table(out, "summary").count_rows() == len(many)
