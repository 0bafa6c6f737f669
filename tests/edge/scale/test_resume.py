"""What counts as done, and that a second analysis takes the place of the first."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ecgedge.scale.folder import held_folder
from ecgedge.scale.parts import make_folders, open_table
from ecgedge.scale.places import Input
from ecgedge.scale.plan import Options, Plan, make_plan
from ecgedge.scale.receipts import Receipt, all_receipts, path_of
from ecgedge.scale.resume import sorted_out
from ecgedge.scale.task import do

Write = Callable[..., Path]


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    out = tmp_path / "out"
    make_folders(out)
    return make_plan(out, Options(), 1 << 30)


@pytest.fixture
def given(tmp_path: Path, write: Write) -> Input:
    return Input(str(write(tmp_path / "a.csv", 20)))


def is_done(given: Input, plan: Plan) -> bool:
    done, left = sorted_out([given], plan)
    assert len(done) + len(left) == 1
    return bool(done)


def test_nothing_is_done_at_first_and_all_after_it(given: Input, plan: Plan) -> None:
    assert not is_done(given, plan)
    outcome = do(given, plan)
    assert (outcome.error, outcome.stop) == (None, "")
    assert is_done(given, plan)
    assert sorted_out([given], plan)[0] == [outcome]


def test_the_same_recording_gives_the_same_bytes(given: Input, plan: Plan) -> None:
    first, second = (do(given, plan) and Receipt.read(path_of(Path(plan.out), given)) for _ in range(2))
    assert first.parts == second.parts
    assert len(first.parts) == 5


def test_what_changed_is_done_again(given: Input, plan: Plan, write: Write) -> None:
    do(given, plan)
    before = Receipt.read(path_of(Path(plan.out), given))
    write(Path(given.path), 30, seed=3)
    assert not is_done(given, plan)
    assert do(given, plan).ecg_s == pytest.approx(30, abs=0.01)
    after = Receipt.read(path_of(Path(plan.out), given))
    assert after.files != before.files
    assert len(list(Path(plan.out, "summary").glob("*.parquet"))) == 1


def test_a_touched_file_is_done_again(given: Input, plan: Plan) -> None:
    do(given, plan)
    os.utime(given.path, ns=(0, 0))
    assert not is_done(given, plan)


@pytest.mark.parametrize("other", ["package", "models", "options"])
def test_other_results_would_come_of_another_run(given: Input, plan: Plan, other: str) -> None:
    do(given, plan)
    changed = {
        "package": replace(plan, package="9.9"),
        "models": replace(plan, models={**plan.models, "rhythm": "0" * 64}),
        "options": replace(plan, options=replace(plan.options, age=70.0)),
    }[other]
    assert not is_done(given, changed)
    outcome = do(given, changed)  # and a worker that is not as the run wants it does nothing
    assert bool(outcome.stop) == (other != "options")


@pytest.mark.parametrize("harm", ["remove", "empty", "receipt"])
def test_what_a_crash_left_is_done_again(given: Input, plan: Plan, harm: str) -> None:
    do(given, plan)
    part = next(Path(plan.out, "beats").glob("*.parquet"))
    if harm == "remove":
        part.unlink()
    elif harm == "empty":
        part.write_bytes(b"")
    else:
        path_of(Path(plan.out), given).write_text('{"input": ')
        assert list(all_receipts(Path(plan.out))) == []
    assert not is_done(given, plan)
    do(given, plan)
    assert is_done(given, plan)


def test_a_damaged_file_is_not_read_again_until_it_changes(plan: Plan, tmp_path: Path, write: Write) -> None:
    given = Input(str(write(tmp_path / "a.csv", 30)))
    good = Path(given.path).read_bytes()
    Path(given.path).write_bytes(good[: len(good) // 2] + b"\x00\xff garbage\n" * 20)
    outcome = do(given, plan)
    assert outcome.error is not None
    assert outcome.ecg_s > 10
    assert is_done(given, plan)
    Path(given.path).write_bytes(good)
    assert not is_done(given, plan)
    assert do(given, plan).error is None
    assert list(Path(plan.out, "errors").glob("*.parquet")) == []  # that of the first analysis is gone


def test_what_could_not_be_read_at_all_is_tried_again(
    plan: Plan, tmp_path: Path, write_record: Write
) -> None:
    given = Input(str(write_record(tmp_path / "a.hea", 20)))
    signal = tmp_path / "a.dat"
    signal.rename(tmp_path / "elsewhere")
    assert do(given, plan).error is not None
    assert not is_done(given, plan)
    (tmp_path / "elsewhere").rename(signal)
    assert do(given, plan).error is None
    assert is_done(given, plan)


def test_what_was_being_written_when_somebody_was_killed_is_removed(plan: Plan) -> None:
    out = Path(plan.out)
    left = [out / ".manifest.json-abc.part", out / "beats" / ".a.csv-1-abc.part"]
    for path in left:
        path.write_text("half")
    with held_folder(out):
        assert not any(path.exists() for path in left)


def test_a_missing_file_is_an_error_of_its_own(plan: Plan, tmp_path: Path) -> None:
    outcome = do(Input(str(tmp_path / "none.csv")), plan)
    assert outcome.error is not None
    assert outcome.error.message.startswith(f"no such file: {tmp_path}/none.csv: check the path")
    assert not is_done(Input(str(tmp_path / "none.csv")), plan)


def test_a_pipe_is_refused_and_not_waited_for(plan: Plan, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    error = do(Input(str(tmp_path / "pipe")), plan).error
    assert error is not None
    assert error.message.endswith("is no regular file: name a file")


def test_a_folder_that_is_not_there_stops_the_run(given: Input, plan: Plan) -> None:
    outcome = do(given, replace(plan, out=plan.out + "/elsewhere"))
    assert "does not see" in outcome.stop
    assert outcome.error is None


def test_an_error_of_a_file_whose_name_is_no_text_is_a_row(plan: Plan, tmp_path: Path) -> None:
    given = Input(str(tmp_path / os.fsdecode(b"\xff.hea")))
    Path(given.path).write_text("no header")
    error = do(given, plan).error
    assert error is not None
    assert (error.code, error.message.isprintable()) == ("unreadable", True)
    assert open_table(plan.out, "errors").to_table().to_pylist()[0]["message"] == error.message


def test_names_that_are_no_text_are_kept_apart(plan: Plan, tmp_path: Path, write: Write) -> None:
    names = [os.fsdecode(b"\xff.csv"), os.fsdecode(b"\xfe.csv"), "a\nb.csv", "ä.csv", "_a.csv", ".a.csv"]
    for seed, name in enumerate(names):
        write(tmp_path / "made.csv", 15, seed=seed)
        (tmp_path / "made.csv").rename(tmp_path / name)
    outcomes = [do(Input(str(tmp_path / name)), plan) for name in names]
    assert [one.error for one in outcomes] == [None] * 6
    assert all(one.name.isprintable() for one in outcomes)
    rows = open_table(plan.out, "summary").to_table(columns=["input"]).to_pylist()
    assert sorted(row["input"] for row in rows) == sorted(one.name for one in outcomes)
    assert is_done(Input(str(tmp_path / names[0])), plan)
