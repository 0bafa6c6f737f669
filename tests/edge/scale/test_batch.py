"""The command on a folder of everything: the events of ``replay`` as tables, and where they come from."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Lines = Callable[[Path, str], list[str]]
GOOD = ("plain.csv", "gap.csv", "deeper/100.hea", "ours.db", "polar.cap")


@pytest.fixture(scope="module")
def ran(
    study: Path, tmp_path_factory: pytest.TempPathFactory, program: Any
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """One run over the study, and its folder of results."""
    out = tmp_path_factory.mktemp("results") / "out"
    arguments = ("batch", str(study), "--out", str(out), "--workers", "2", "--json")
    return out, program.cli().run(*arguments, "--waves", "--tokens")


def test_each_recording_is_a_line_and_failures_are_told(
    ran: tuple[Path, subprocess.CompletedProcess[str]], study: Path, broken: frozenset[str]
) -> None:
    _, done = ran
    assert done.returncode == 1
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["type"] for line in said[:-1]} == {"recording"}
    assert sorted(Path(line["input"]).relative_to(study).as_posix() for line in said[:-1]) == sorted(
        [*GOOD, *broken]
    )
    assert {Path(line["input"]).name for line in said[:-1] if line["error"]} == broken
    end = said[-1]
    assert (end["type"], end["recordings"], end["errors"], end["unchanged"]) == ("batch", 8, 3, 0)
    assert len(done.stderr.splitlines()) == 3
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", [*GOOD, "damaged.csv", "cut.csv"])
def test_the_tables_are_the_lines_of_replay(
    ran: tuple[Path, subprocess.CompletedProcess[str]],
    study: Path,
    replayed: Callable[..., list[str]],
    lines: Lines,
    name: str,
) -> None:
    expected = replayed(study / name, "--waves", "--tokens")
    assert len(expected) > 15
    assert lines(ran[0], f"/{name}") == expected


def test_errors_are_rows_with_what_to_do(ran: tuple[Path, Any], broken: frozenset[str]) -> None:
    from ecgedge.scale.parts import open_table

    rows = {Path(row["input"]).name: row for row in open_table(ran[0], "errors").to_table().to_pylist()}
    assert set(rows) == broken
    assert {name: row["code"] for name, row in rows.items()} == {
        "damaged.csv": "unreadable",
        "cut.csv": "cut",
        "void.csv": "unreadable",
    }
    assert 25 < rows["damaged.csv"]["analysed_s"] < 35
    assert rows["void.csv"]["analysed_s"] == 0


def test_parts_say_what_made_them(ran: tuple[Path, Any]) -> None:
    from pyarrow import parquet

    from ecgedge import Models, __version__

    models = Models.load().digests()
    parts = list(ran[0].glob("*/*.parquet"))
    assert len(parts) > 30
    for part in parts:
        said = json.loads(parquet.read_schema(part).metadata[b"ecgedge"])
        assert (said["package"], said["table"], said["schema"]) == (__version__, part.parent.name, 1)
        assert models.items() <= said["models"].items()
        assert set(said["models"]) == {*models, "waves", "tokens"}
        assert said["options"]["waves"] is True


def test_the_manifest_names_every_byte(ran: tuple[Path, Any], study: Path) -> None:
    out = ran[0]
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["state"] == "done"
    assert manifest["counts"]["recordings"] == 8
    listed = set()
    for recording in manifest["recordings"]:
        for file in recording["files"]:
            assert hashlib.sha256(Path(file["name"]).read_bytes()).hexdigest() == file["sha256"]
        for part in recording["parts"].values():
            listed.add(out / part["file"])
            assert hashlib.sha256((out / part["file"]).read_bytes()).hexdigest() == part["sha256"]
    assert listed == set(out.glob("*/*.parquet"))
    signal = {Path(file["name"]).name for one in manifest["recordings"] for file in one["files"]}
    assert {"100.hea", "100.dat"} <= signal


def test_nobody_else_reads_them_and_nothing_is_left_over(ran: tuple[Path, Any]) -> None:
    for path in [ran[0], *ran[0].rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
        assert path.suffix != ".part"


def test_without_resume_results_are_not_touched(ran: tuple[Path, Any], study: Path, program: Any) -> None:
    again = program.cli().run("batch", str(study), "--out", str(ran[0]))
    assert again.returncode == 1
    assert again.stderr.endswith("go on with --resume, or choose another folder\n")


def test_resume_leaves_out_what_is_done(ran: tuple[Path, Any], study: Path, program: Any) -> None:
    before = {path: path.stat().st_mtime_ns for path in ran[0].glob("*/*.parquet") if "void" not in path.name}
    arguments = ("batch", str(study), "-o", str(ran[0]), "--resume", "--waves", "--tokens", "--json")
    again = program.cli().run(*arguments)
    end = json.loads(again.stdout.splitlines()[-1])
    # The empty file could not be read at all, and may be another time.
    assert (again.returncode, end["unchanged"], end["errors"]) == (1, 7, 3)
    assert len(before) > 30
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert json.loads((ran[0] / "manifest.json").read_text())["counts"]["recordings"] == 8


def test_without_pyarrow_it_is_one_clear_line(study: Path, tmp_path: Path, program: Any) -> None:
    hide = "import sys; sys.modules['pyarrow'] = None"
    done = program.cli(before=hide).run("batch", str(study), "--out", str(tmp_path / "out"))
    assert done.returncode == 1
    assert done.stderr == "ecgedge: this needs pyarrow: pip install 'ecgedge[scale]'\n"


@pytest.mark.parametrize(
    ("given", "out", "why"),
    [
        ("{study}/*.xyz", "{tmp}/out", "nothing fits"),
        ("{tmp}", "{tmp}/out", "there is no recording in"),
        ("gopher://a/b", "{tmp}/out", "use a path, s3:// or https://"),
        ("zip://a::s3://b", "{tmp}/out", "give the address of one file"),
        ("{study}", "{study}/plain.csv", "is a file: give a folder"),
        ("{study}", "{study}", "holds something else"),
    ],
)
def test_what_cannot_be_is_refused_before_the_work(
    study: Path, tmp_path: Path, given: str, out: str, why: str
) -> None:
    from ecgedge.scale.folder import check_folder
    from ecgedge.scale.places import find_inputs
    from ecgedge_bridge.errors import ConfigError

    folder = Path(out.format(study=study, tmp=tmp_path))

    def begin() -> None:
        check_folder(folder, resume=False)
        find_inputs([given.format(study=study, tmp=tmp_path)], folder)

    with pytest.raises(ConfigError, match=why):
        begin()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "tcp://127.0.0.1"])
def test_without_a_scheduler_the_error_says_how_to_start_one(address: str) -> None:
    from ecgedge.scale.cluster import open_cluster
    from ecgedge_bridge.errors import ConfigError

    with pytest.raises(ConfigError, match="start one with 'dask scheduler'"), open_cluster(1, address):
        pass


def test_two_runs_do_not_write_to_one_folder(tmp_path: Path) -> None:
    from ecgedge.scale.folder import held_folder
    from ecgedge_bridge.errors import ConfigError

    with (
        held_folder(tmp_path / "out"),
        pytest.raises(ConfigError, match="another run"),
        held_folder(tmp_path / "out"),
    ):
        pass


def test_recordings_are_found_once_and_results_are_none(study: Path, write: Callable[..., Path]) -> None:
    from ecgedge.scale.places import find_inputs

    everything = find_inputs([str(study), str(study / "plain.csv"), f"{study}/*.cap"], study / "deeper")
    names = [Path(one.path).name for one in everything]
    assert names == ["cut.csv", "damaged.csv", "gap.csv", "ours.db", "plain.csv", "polar.cap", "void.csv"]
    assert [one.size for one in everything] == [(study / name).stat().st_size for name in names]
    spelled = find_inputs([f"{study}/deeper/../plain.csv"], Path("x"))
    assert [one.path for one in spelled] == [f"{study}/plain.csv"]
    assert [one.path for one in find_inputs([f"{study}/**/1*.hea"], Path("x"))] == [f"{study}/deeper/100.hea"]
