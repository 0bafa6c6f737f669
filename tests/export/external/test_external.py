"""``evaluate external``: made folders of WFDB records, with what may lie beside a record, or not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import wfdb
from typer.testing import CliRunner

from ecgedge.artefacts.folder import BUNDLED
from ecgedge.demo.synthetic import Segment, SyntheticEcg, synthesize
from ecgedge_bridge.errors import ConfigError
from ecgedge_export.cli import app
from ecgedge_export.external import labels as tables
from ecgedge_export.external.records import Wish, names, read
from ecgedge_export.external.run import SCORED, Asked, run
from ecgedge_export.external.text import table

FS, GAIN = 250.0, 1000.0


def heart(*kinds: str, seconds: float = 60.0, seed: int = 1) -> SyntheticEcg:
    return synthesize([Segment(kind, seconds, 70.0) for kind in kinds], FS, seed)


def put(
    path: Path,
    mv: npt.NDArray[np.floating],
    *,
    names: tuple[str, ...] = ("II",),
    at: int = 0,
) -> None:
    """Write a record whose signal ``at`` is the ECG; the others are of zeros."""
    path.parent.mkdir(parents=True, exist_ok=True)
    signals = np.zeros((len(mv), len(names)))
    signals[:, at] = np.round(mv * GAIN)
    signals.astype("<i2").tofile(path.with_suffix(".dat"))
    lines = [f"{path.name} {len(names)} {FS:g} {len(mv)}"]
    lines += [f"{path.name}.dat 16 {GAIN:g}/mV 16 0 0 0 0 {name}" for name in names]
    path.with_suffix(".hea").write_text("\n".join(lines) + "\n")


def mark(
    path: Path,
    at: Any,
    symbols: list[str],
    texts: list[str] | None = None,
    extension: str = "atr",
    **more: Any,
) -> None:
    wfdb.wrann(
        path.name,
        extension,
        np.asarray(at, np.int64),
        symbols,
        aux_note=texts,
        write_dir=str(path.parent),
        **more,
    )


def scored(folder: Path, **more: Any) -> dict[str, Any]:
    return run(Asked(folder, **more))


def marked(path: Path, made: SyntheticEcg, **more: Any) -> None:
    """A record with its beats marked."""
    put(path, made.mv, **more)
    mark(path, made.beats, made.symbols.tolist())


def test_beats_and_classes_of_a_folder_with_subfolders(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("deep/er/b", 2), ("deep/c", 3)):
        marked(tmp_path / name, heart("sinus", "pvc", seed=seed))
    report = scored(tmp_path)
    assert list(report["lead"]) == ["a", "deep/c", "deep/er/b"]
    assert set(report) >= {"beats", "classes"}
    assert not {"af", "rhythm"} & set(report)
    gross = report["beats"]["gross"]
    assert gross["QRS Se"] > 98
    assert gross["QRS P+"] > 98
    low, high = report["beats"]["QRS Se_95"]
    assert low <= gross["QRS Se"] <= high
    veb = report["classes"]["gross"]["VEB"]
    truth = sum(int((heart("sinus", "pvc", seed=seed).symbols == "V").sum()) for seed in (1, 2, 3))
    assert veb["beats"] == truth
    assert veb["F1"] > 80
    low, high = report["classes"]["f1_95"]["VEB"]
    assert low <= veb["F1"] <= high
    assert set(report["classes"]["by_record"]) == {"a", "deep/c", "deep/er/b"}


def test_two_processes_find_the_same_as_one(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the extra scale is not installed")
    records = tmp_path / "records"
    for name, seed in (("a", 1), ("b", 2), ("c", 3)):
        marked(records / name, heart("sinus", "pvc", seed=seed))
    (records / "d.hea").write_text("d 1 250")
    one = scored(records, out=tmp_path / "one")
    assert scored(records, out=tmp_path / "two", workers=2) == one
    assert list(one["skipped"]) == ["d"]
    for file in (tmp_path / "one").rglob("*.*"):
        assert (tmp_path / "two" / file.relative_to(tmp_path / "one")).read_bytes() == file.read_bytes()


def test_records_of_beats_that_are_all_normal_have_no_classes(tmp_path: Path) -> None:
    marked(tmp_path / "a", heart("sinus"))
    assert "classes" not in scored(tmp_path)


def test_a_beat_that_is_not_there_and_one_that_is_not_marked_are_counted(tmp_path: Path) -> None:
    made = heart("sinus")
    put(tmp_path / "a", made.mv)
    at = sorted([*np.delete(made.beats, 20).tolist(), int(made.beats[40] + made.beats[41]) // 2])
    mark(tmp_path / "a", at, ["N"] * len(at))
    matrix = scored(tmp_path)["beats"]["matrix"]
    assert matrix["N"]["O"] == 1
    assert sum(matrix["O"].values()) == 1


@pytest.mark.parametrize("extension", ["qrs", "ecg", "mine"])
def test_the_annotator_may_be_another(tmp_path: Path, extension: str) -> None:
    made = heart("sinus")
    put(tmp_path / "a", made.mv)
    mark(tmp_path / "a", made.beats, made.symbols.tolist(), extension=extension)
    wish = Wish(annotators=("mine",)) if extension == "mine" else Wish()
    assert scored(tmp_path, wish=wish)["beats"]["gross"]["QRS Se"] > 98


def test_annotations_that_count_at_another_rate_are_brought_to_that_of_the_signal(tmp_path: Path) -> None:
    made = heart("sinus")
    put(tmp_path / "a", made.mv)
    mark(tmp_path / "a", np.round(made.beats * 4), made.symbols.tolist(), fs=4 * FS)
    assert scored(tmp_path)["beats"]["gross"]["QRS Se"] > 98


@pytest.mark.parametrize(
    ("lead", "good"), [(None, True), ("II", True), ("1", True), ("V1", False), ("0", False)]
)
def test_the_lead_is_the_readers_or_the_one_that_is_asked_for(
    tmp_path: Path, lead: str | None, good: bool
) -> None:
    marked(tmp_path / "a", heart("sinus"), names=("V1", "II", "V5"), at=1)
    report = scored(tmp_path, wish=Wish(lead=lead))
    assert report["lead"] == {"a": "II" if good else "V1"}
    assert (report["beats"]["gross"]["QRS Se"] > 98) == good


def test_bad_records_are_named_and_skipped_with_the_reason(tmp_path: Path) -> None:
    made = heart("sinus")
    for name in ("good", "broken", "silent", "notes", "lost", "bare"):
        marked(tmp_path / name, made)
    (tmp_path / "broken.hea").write_text("broken 1 250\n")
    put(tmp_path / "silent", made.mv, names=("RESP",))
    mark(tmp_path / "notes", [10], ['"'], ["a note"])
    (tmp_path / "lost.dat").unlink()
    (tmp_path / "bare.atr").unlink()
    (tmp_path / "torn.hea").write_text((tmp_path / "good.hea").read_text().replace("good", "torn"))
    (tmp_path / "torn.dat").write_bytes((tmp_path / "good.dat").read_bytes())
    (tmp_path / "torn.atr").write_bytes(b"\xff" * 33)
    report = scored(tmp_path)
    assert list(report["lead"]) == ["good"]
    words = {"broken": "0 of 1 signals", "silent": "no ECG", "notes": "neither beats nor rhythms",
             "lost": "lost.dat", "bare": "no annotation file", "torn": ""}  # fmt: skip
    assert set(report["skipped"]) == set(words)
    for name, word in words.items():
        assert word in report["skipped"][name], report["skipped"][name]
    assert "1 records scored, 6 skipped" in table(report)


def test_nothing_to_score_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no folder"):
        scored(tmp_path / "none")
    with pytest.raises(ConfigError, match="holds no WFDB record"):
        scored(tmp_path)
    put(tmp_path / "a", heart("sinus").mv)
    with pytest.raises(ConfigError, match="none of 1 records could be scored, such as a: it has no"):
        scored(tmp_path)


def test_segments_of_a_record_are_no_records_of_their_own(tmp_path: Path) -> None:
    made = heart("sinus", "pvc")
    half = len(made.mv) // 2
    for name, part in (("s1", made.mv[:half]), ("s2", made.mv[half:])):
        put(tmp_path / name, part)
    (tmp_path / "whole.hea").write_text(
        f"whole/2 1 {FS:g} {len(made.mv)}\ns1 {half}\ns2 {len(made.mv) - half}\n"
    )
    mark(tmp_path / "whole", made.beats, made.symbols.tolist(), fs=FS)
    assert names(tmp_path) == ["whole"]
    assert scored(tmp_path)["beats"]["gross"]["QRS Se"] > 98


def test_episodes_of_af_in_the_annotations_are_scored(tmp_path: Path) -> None:
    made = heart("sinus", "af", "sinus", seconds=180.0)
    put(tmp_path / "a", made.mv)
    third = len(made.mv) // 3
    mark(tmp_path / "a", [0, third, 2 * third], ["+"] * 3, ["(N", "(AFIB", "(N"])
    report = scored(tmp_path, wish=Wish(learning_s=0.0))
    assert "beats" not in report
    gross = report["af"]["gross"]
    assert (gross["episode Se"], gross["episode P+"]) == (100.0, 100.0)
    assert gross["duration Se"] > 80
    assert gross["duration P+"] > 80
    assert "Atrial fibrillation over the time" in table(report)


@pytest.mark.parametrize(("seconds", "expected"), [(60.0, 0.0), (700.0, 300.0)])
def test_the_learning_time_is_left_out_of_long_records_only(
    tmp_path: Path, seconds: float, expected: float
) -> None:
    made = synthesize([Segment("sinus", seconds, 70.0)], FS, 1)
    marked(tmp_path / "a", made)
    one = read(tmp_path, "a", Wish(), {})
    assert one.record.learning_s == one.reference.learning_s == expected
    assert read(tmp_path, "a", Wish(learning_s=7.0), {}).record.learning_s == 7.0
    counted = scored(tmp_path)["beats"]["matrix"]["N"]
    assert sum(counted.values()) == int((made.beats >= expected * FS).sum())


WORDS = {
    "n": ["N", "Sinus rhythm", "NSR"],
    "a": ["A", "AFIB", "atrial_fibrillation"],
    "v": ["O", "bigeminy", "~"],
}


@pytest.mark.parametrize("kind", [0, 1])
@pytest.mark.parametrize("heading", ["", "record,label\n"])
def test_labels_of_whole_recordings(tmp_path: Path, kind: int, heading: str) -> None:
    kinds = {"n": "sinus", "a": "af", "v": "pvc"}
    rows = []
    for seed in (1, 2, 3):
        for name, rhythm in kinds.items():
            put(tmp_path / "sub" / f"{name}{seed}", heart(rhythm, seed=seed).mv)
            rows.append(f"{name}{seed},{WORDS[name][kind]}")
    (tmp_path / "REFERENCE.csv").write_text(heading + "\n".join(rows) + "\n")
    rhythm = scored(tmp_path)["rhythm"]
    assert rhythm["records"] == 9
    assert {row: sum(cells.values()) for row, cells in rhythm["confusion"].items()} == {
        "N": 3,
        "A": 3,
        "O": 3,
    }
    assert rhythm["confusion"]["N"]["N"] == rhythm["confusion"]["A"]["A"] == 3
    assert rhythm["af"]["with_af"] == 3
    assert rhythm["af"]["Se"] == 1.0
    assert rhythm["mean_f1_nao"] > 0.6
    assert rhythm["by_record"]["sub/a1"] == {"label": "A", "called": "A", "af": True}


def test_af_against_everything_else_has_no_mean_of_three(tmp_path: Path) -> None:
    for name, rhythm in (("a", "af"), ("b", "pvc")):
        put(tmp_path / name, heart(rhythm).mv)
    table_of = tmp_path / "mine.csv"
    table_of.write_text("a,AF\nb,other\nnot-here,AF\n")
    report = scored(tmp_path, labels=table_of)
    assert "mean_f1_nao" not in report["rhythm"]
    assert report["rhythm"]["af"]["Se"] == 1.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no labels"),
        ("record,label\n", "holds no labels"),
        ("a,N\nb\n", "line 2 has no record and label"),
        ("a,N\na,AF\n", "line 2 gives a another label"),
    ],
)
def test_a_table_that_cannot_be_right_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(ConfigError, match=message):
        tables.read(tmp_path / "labels.csv")


def test_the_command_prints_a_table_and_writes_the_reports(tmp_path: Path) -> None:
    marked(tmp_path / "in" / "a", heart("sinus", "pvc"))
    marked(tmp_path / "in" / "x" / "b", heart("sinus"))
    put(tmp_path / "in" / "c\x1b[2J", heart("sinus").mv)
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["evaluate", "external", str(tmp_path / "in"), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "2 records scored, 1 skipped" in done.stdout
    assert "\x1b" not in done.output
    report = json.loads((out / "report.json").read_text(), parse_constant=pytest.fail)
    assert report["beats"]["gross"]["QRS Se"] > 98
    assert "ANSI/AAMI EC57:2012, 2 records" in (out / "ec57.txt").read_text()
    assert (out / "report.txt").read_text() in done.stdout
    found = wfdb.rdann(str(out / "annotations" / "x" / "b"), "ecgedge")
    assert found.fs == FS
    assert len(found.sample) > 60


@pytest.mark.parametrize("suffix", ["", "../x", "a/b", ".atr", "*", "\x1b"])
def test_an_annotator_is_a_suffix_and_nothing_else(suffix: str) -> None:
    with pytest.raises(ConfigError, match="letters and digits"):
        Wish(annotators=(suffix,))


def test_a_model_that_makes_nothing_of_what_is_scored_is_refused(tmp_path: Path) -> None:
    marked(tmp_path / "a", heart("sinus"))
    with pytest.raises(ConfigError, match="is a model of waves: give one of rhythm"):
        scored(tmp_path, model=BUNDLED / "waves")


@pytest.mark.parametrize("task", SCORED)
def test_a_model_of_any_task_is_scored(tmp_path: Path, task: str) -> None:
    marked(tmp_path / "in" / "a", heart("sinus"))
    shutil.copytree(BUNDLED / task, tmp_path / "model")
    report = scored(tmp_path / "in", model=tmp_path / "model")
    assert report == scored(tmp_path / "in")


@pytest.mark.parametrize(
    "arguments", [("external",), ("gate", "somewhere"), ("external", "x", "--learning", "-1")]
)
def test_arguments_that_do_not_fit_are_usage_errors(arguments: tuple[str, ...]) -> None:
    assert CliRunner().invoke(app, ["evaluate", *arguments]).exit_code == 2
