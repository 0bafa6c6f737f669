"""EC57 reports from annotation files, against tables worked out by hand.

All files here are at 100 Hz: the first five minutes end at sample 30,000, and 150 ms are 15 samples.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wfdb
from typer.testing import CliRunner

import ecgedge
from ecgedge.whole_recording import Beats
from ecgedge_bridge.errors import ConfigError
from ecgedge_export import data
from ecgedge_export.beats import scores as beat_scores
from ecgedge_export.cli import app
from ecgedge_export.data import Episode
from ecgedge_export.ec57 import annotations as ec57_annotations
from ecgedge_export.ec57 import report as ec57
from ecgedge_export.ec57.annotations import Annotations
from ecgedge_export.ec57.episodes import AfCounts, compare_af, spans

FS = 100.0
N = 100_000
Row = tuple[int, str, str]

# What is, what was said. Not counted: the learning time; what "[" and "]" or (VFL enclose.
BEATS: list[tuple[int | None, str, int | None, str]] = [
    (20_000, "N", 20_000, "V"),  # learning
    (31_000, "N", 31_000, "N"),  # Nn
    (31_100, "L", 31_110, "N"),  # Nn: bundle branch block
    (31_200, "N", 31_215, "S"),  # Ns: 150 ms are a match
    (31_300, "N", 31_316, "N"),  # No and On: 160 ms are none
    (31_400, "A", 31_400, "S"),  # Ss
    (31_500, "j", 31_500, "N"),  # Sn: nodal escape
    (31_600, "a", 31_600, "V"),  # Sv
    (31_700, "V", 31_700, "V"),  # Vv
    (31_800, "V", 31_790, "r"),  # Vv: R on T
    (31_900, "V", 31_900, "N"),  # Vn
    (32_000, "E", None, ""),  # Vo
    (32_100, "N", 32_100, "V"),  # Nv
    (32_200, "F", 32_200, "V"),  # Fv: neither for nor against
    (32_300, "/", 32_300, "S"),  # Qs: the same
    (None, "", 32_450, "V"),  # Ov
    (None, "", 32_550, "S"),  # Os
    (32_650, "F", 32_650, "F"),  # Ff
    (None, "", 33_200, "V"),  # between [ and ]
    (None, "", 33_500, "N"),
    (40_500, "V", 40_500, "V"),  # (VFL
]
MATRIX = {
    "N": {"N": 2, "S": 1, "V": 1, "F": 0, "Q": 0, "O": 1},
    "S": {"N": 1, "S": 1, "V": 1, "F": 0, "Q": 0, "O": 0},
    "V": {"N": 1, "S": 0, "V": 2, "F": 0, "Q": 0, "O": 1},
    "F": {"N": 0, "S": 0, "V": 1, "F": 1, "Q": 0, "O": 0},
    "Q": {"N": 0, "S": 1, "V": 0, "F": 0, "Q": 0, "O": 0},
    "O": {"N": 1, "S": 1, "V": 1, "F": 0, "Q": 0, "O": 0},
}
STATISTICS = {
    "QRS Se": 86.67,  # 13 of 5 N, 3 S, 4 V, 2 F, 1 Q
    "QRS P+": 81.25,  # 13 of 16
    "VEB Se": 50.0,  # 2 of 4
    "VEB P+": 40.0,  # 2 of 2 and 3 false: Nv, Sv, Ov
    "VEB FPR": 25.0,  # 3 of 3 and 9: N 3, S 2, F 1, Q 1, O 2 that were found and not called V
    "SVEB Se": 33.33,  # 1 of 3
    "SVEB P+": 33.33,  # 1 of 1 and 2 false: Ns, Os
    "SVEB FPR": 16.67,  # 2 of 2 and 10: N 3, V 3, F 2, O 2
}
# In seconds, after learning: 300 to 400, 500 to 550, 700 to 720
RHYTHMS = [(0, "(N"), (20_000, "(AFIB"), (40_000, "(VFL"), (41_000, "(N"), (50_000, "(AFIB"), (55_000, "(N"),
           (70_000, "(AFIB"), (72_000, "(N"), (80_000, "(AFL"), (90_000, "(N")]  # fmt: skip
# 300 to 310, 350 to 360, 390 to 520, 600 to 610; 820 to 830 is flutter, 890 to 920 is cut to 900 to 920
SAID_RHYTHMS = [(0, "(N"), (29_000, "(AFIB"), (31_000, "(N"), (35_000, "(AFIB"), (36_000, "(N"),
                (39_000, "(AFIB"), (52_000, "(N"), (60_000, "(AFIB"), (61_000, "(N"), (82_000, "(AFIB"),
                (83_000, "(N"), (89_000, "(AFIB"), (92_000, "(N")]  # fmt: skip
AF = {
    "episode Se": 66.67,  # 2 of 3
    "episode P+": 60.0,  # 3 of 5
    "duration Se": 29.41,  # 10 + 10 + 10 + 20 = 50 of 170 s
    "duration P+": 27.78,  # 50 of 10 + 10 + 130 + 10 + 20 = 180 s
}
AF_COUNTS = {"detected": 2, "missed": 1, "right": 3, "false": 2,
             "reference_s": 170.0, "test_s": 180.0, "overlap_s": 50.0}  # fmt: skip


def write_file(folder: Path, record: str, extension: str, rows: list[Row], **more: Any) -> None:
    """An annotation file of (sample, code, text), sorted."""
    at, codes, texts = zip(*sorted(rows, key=lambda row: row[0]), strict=True)
    wfdb.wrann(
        record, extension, np.array(at), list(codes), aux_note=list(texts), write_dir=str(folder), **more
    )


def write_record(folder: Path, record: str, rows: list[Row]) -> None:
    """A header and a reference file; there is no signal."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{record}.hea").write_text(f"{record} 1 100 {N}\n{record}.dat 16 200 16 0 0 0 0 MLII\n")
    write_file(folder, record, "atr", rows)


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Records 100 (the tables above) and 101 (no VEB, no AF), and the folder of what was said of them."""
    monkeypatch.setenv("ECGEDGE_DATA", str(tmp_path / "data"))
    reference, said = tmp_path / "data" / "mitdb", tmp_path / "said"
    said.mkdir()
    rhythms = [(at, "+", text) for at, text in RHYTHMS]
    beats = [(at, code, "") for at, code, _, _ in BEATS if at is not None]
    write_record(reference, "100", [*rhythms, *beats, (33_000, "[", ""), (34_000, "]", "")])
    said_rhythms = [(at, "+", text) for at, text in SAID_RHYTHMS]
    write_file(said, "100", "test", said_rhythms + [(s, c, "") for _, _, s, c in BEATS if s is not None])
    write_record(reference, "101", [(31_000, "N", ""), (31_100, "N", ""), (31_200, "A", "")])
    write_file(said, "101", "test", [(31_000, "N", ""), (31_100, "N", ""), (31_200, "N", "")])
    return said


def scored(said: Path, *records: str, extension: str = "test") -> dict[str, Any]:
    return ec57.report(ec57.compare_files(data.mitdb(records), said, extension))


def test_every_cell_and_statistic_of_a_record(said: Path) -> None:
    report = scored(said, "100")
    assert report["beats"]["matrix"] == report["beats"]["matrix_by_record"]["100"] == MATRIX
    assert report["beats"]["gross"] == report["beats"]["by_record"]["100"] == STATISTICS
    assert report["af"]["gross"] == report["af"]["by_record"]["100"] == AF
    assert report["af"]["counts_by_record"]["100"] == AF_COUNTS


def test_a_record_without_the_thing_is_left_out_of_its_average(said: Path) -> None:
    report = scored(said, "100", "101")
    assert report["beats"]["by_record"]["101"] == {
        "QRS Se": 100.0, "QRS P+": 100.0, "VEB Se": None, "VEB P+": None, "VEB FPR": 0.0,
        "SVEB Se": 0.0, "SVEB P+": None, "SVEB FPR": 0.0,
    }  # fmt: skip
    assert report["beats"]["average"] == {
        "QRS Se": 93.33, "QRS P+": 90.62, "VEB Se": 50.0, "VEB P+": 40.0, "VEB FPR": 12.5,
        "SVEB Se": 16.67, "SVEB P+": 33.33, "SVEB FPR": 8.33,
    }  # fmt: skip
    # 16 of 18 and of 19; 2 of 4, of 5, 3 of 15; 1 of 4, of 3, 2 of 14
    assert report["beats"]["gross"] == {
        "QRS Se": 88.89, "QRS P+": 84.21, "VEB Se": 50.0, "VEB P+": 40.0, "VEB FPR": 20.0,
        "SVEB Se": 25.0, "SVEB P+": 33.33, "SVEB FPR": 14.29,
    }  # fmt: skip
    assert report["af"]["by_record"]["101"] == dict.fromkeys(AF)
    assert report["af"]["average"] == report["af"]["gross"] == AF


def test_a_test_file_without_beats_misses_them_all(said: Path) -> None:
    write_file(said, "100", "test", [(0, "+", "(N")])
    beats = scored(said, "100")["beats"]
    assert [beats["matrix"][c]["O"] for c in "NSVFQO"] == [5, 3, 4, 2, 1, 0]
    assert beats["gross"]["QRS Se"] == beats["gross"]["VEB Se"] == 0.0
    assert beats["gross"]["QRS P+"] is beats["gross"]["VEB P+"] is beats["gross"]["VEB FPR"] is None


def test_a_test_file_without_anything_is_no_error(said: Path) -> None:
    (said / "100.test").write_bytes(b"\0\0")
    report = scored(said, "100")
    assert report["beats"]["gross"]["QRS Se"] == report["af"]["gross"]["episode Se"] == 0.0


def test_a_beat_after_learning_may_belong_to_one_before_its_end(said: Path) -> None:
    folder = said.parent / "data" / "mitdb"
    write_record(folder, "102", [(29_995, "N", ""), (30_100, "N", ""), (30_200, "V", "")])
    write_file(said, "102", "test", [(30_005, "N", ""), (30_100, "N", ""), (30_200, "V", "")])
    matrix = scored(said, "102")["beats"]["matrix"]
    assert {c: row for c, row in matrix.items() if any(row.values())} == {
        "N": {"N": 1, "S": 0, "V": 0, "F": 0, "Q": 0, "O": 0},
        "V": {"N": 0, "S": 0, "V": 1, "F": 0, "Q": 0, "O": 0},
    }


def test_of_two_candidates_the_nearer_one_is_the_beat(said: Path) -> None:
    """bxb pairs the V with the V, and the N before it was made up."""
    folder = said.parent / "data" / "mitdb"
    write_record(folder, "102", [(31_000, "V", "")])
    write_file(said, "102", "test", [(30_990, "N", ""), (31_001, "V", "")])
    matrix = scored(said, "102")["beats"]["matrix"]
    assert (matrix["V"]["V"], matrix["O"]["N"], matrix["V"]["N"], matrix["O"]["V"]) == (1, 1, 0, 0)


@pytest.mark.parametrize(
    ("reference", "found", "expected"),
    [
        ([100], [100], [(0, 0)]),
        ([100], [115], [(0, 0)]),
        ([100], [116], []),
        ([100], [90, 110], [(0, 1)]),  # as near: the earlier one leaves it to the later one
        ([100], [95, 110], [(0, 0)]),
        ([100, 120], [111], [(1, 0)]),
        ([100, 120, 140], [109, 131], [(0, 0), (2, 1)]),
        ([], [100], []),
    ],
)
def test_pairs_by_the_rule_of_bxb(reference: list[int], found: list[int], expected: Any) -> None:
    assert beat_scores.pairs(reference, found, 15, nearest=True) == expected


def test_escape_beats_are_supraventricular_in_both_files() -> None:
    assert ec57_annotations.ec57_codes("NejnAVE") == ["N", "S", "S", "S", "A", "V", "E"]


AFIB = "AFIB"


def test_af_across_the_end_of_learning_counts_from_there() -> None:
    truth, said = [Episode(0, 400, AFIB)], [Episode(0, 250, AFIB), Episode(350, 500, AFIB)]
    found = compare_af(truth, said, 1.0, 300, 1000)
    assert found == AfCounts(1, 0, 1, 0, 100.0, 150.0, 50.0), "the first test episode is learning time"


def test_af_within_learning_does_not_count() -> None:
    assert compare_af([Episode(0, 300, AFIB)], [Episode(0, 300, AFIB)], 1.0, 300, 1000) == AfCounts()


def test_episodes_that_overlap_or_touch_are_one() -> None:
    parts = [
        Episode(400, 500, AFIB),
        Episode(450, 600, AFIB),
        Episode(600, 700, AFIB),
        Episode(700, 710, "N"),
    ]
    assert spans(parts, AFIB, 0, 1000) == [(400, 700)]
    found = compare_af(parts, [Episode(650, 800, AFIB)], 1.0, 0, 1000)
    assert found == AfCounts(1, 0, 1, 0, 300.0, 150.0, 50.0)


def test_episodes_that_only_touch_do_not_overlap() -> None:
    found = compare_af([Episode(400, 500, AFIB)], [Episode(500, 600, AFIB)], 1.0, 0, 1000)
    assert found == AfCounts(0, 1, 0, 1, 100.0, 100.0, 0.0)


def test_af_said_around_flutter_is_one_episode_without_it() -> None:
    truth = [Episode(100, 200, AFIB), Episode(200, 300, "AFL"), Episode(300, 400, "N")]
    found = compare_af(truth, [Episode(150, 350, AFIB)], 1.0, 0, 1000)
    assert found == AfCounts(1, 0, 1, 0, 100.0, 100.0, 50.0)


def beat(sample: int, symbol: str | None) -> ecgedge.Beat:
    return ecgedge.Beat(sample, sample / FS, None, symbol)


def rhythm(start: int, end: int, label: str) -> ecgedge.Rhythm:
    return ecgedge.Rhythm(start, start / FS, end, end / FS, label, "N", {label: 1.0}, True, False)


EVENTS = [
    rhythm(0, 1000, "A"),
    beat(120, "N"),
    rhythm(0, 3000, "A"),
    beat(220, None),
    rhythm(1000, 4000, "O"),
    ecgedge.Gap(4100, 41.0, 4200, 42.0, 100),
    rhythm(2000, 5000, "~"),
    beat(4300, "V"),
    rhythm(3000, 6000, "A"),
]
SAID = Annotations(
    Beats(np.array([120, 220, 4300], np.int64), np.array(["N", "Q", "V"])),
    (Episode(0, 2500, "AFIB"), Episode(2500, 4500, "N"), Episode(4500, 6500, "AFIB")),
)


def values(of: Annotations) -> Any:
    return of.beats.sample.tolist(), of.beats.symbol.tolist(), of.rhythms


def test_events_become_annotations_a_rhythm_from_the_middle_of_its_window() -> None:
    assert values(ec57_annotations.from_events(EVENTS, 6500)) == values(SAID)


def record_of(n_samples: int, fs: float = FS, path: Path = Path("100")) -> data.Record:
    return data.Record("mitdb", "100", path, fs, n_samples, ("MLII",), "100")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    everything = Annotations(
        Beats(np.array([0, 7, 900, 4_000_000, 4_000_001]), np.array(list("NSVFQ"))), SAID.rhythms
    )
    for said in (SAID, everything):
        ec57_annotations.write(tmp_path, "100", FS, said)
        assert values(ec57_annotations.read(tmp_path, record_of(6500))) == values(said)


def test_a_file_at_another_rate_is_brought_to_that_of_the_record(tmp_path: Path) -> None:
    ec57_annotations.write(tmp_path, "100", 250.0, SAID)
    again = ec57_annotations.read(tmp_path, record_of(2600))
    assert values(again) == (
        [48, 88, 1720],
        ["N", "Q", "V"],
        (Episode(0, 1000, "AFIB"), Episode(1000, 1800, "N"), Episode(1800, 2600, "AFIB")),
    )


def test_physionet_codes_and_texts_are_in_the_file(tmp_path: Path) -> None:
    path = ec57_annotations.write(tmp_path / "new", "100", FS, SAID, "mine")
    assert path == tmp_path / "new" / "100.mine"
    raw = wfdb.rdann(str(tmp_path / "new" / "100"), "mine")
    assert raw.fs == 100
    assert raw.symbol == ["+", "N", "Q", "+", "V", "+"]
    assert [text for text in raw.aux_note if text] == ["(AFIB", "(N", "(AFIB"]


@pytest.mark.parametrize("extension", ["atr", "v1", "", "a.b"])
def test_an_extension_that_cannot_be_is_refused(tmp_path: Path, extension: str) -> None:
    with pytest.raises(ConfigError, match="extension"):
        ec57_annotations.write(tmp_path, "100", FS, SAID, extension)


def test_a_missing_test_file_is_no_record_without_beats(said: Path) -> None:
    with pytest.raises(ConfigError, match=r"no 100\.other"):
        scored(said, "100", extension="other")


class Told:
    """A monitor that says always the same."""

    def monitor(self) -> Told:
        return self

    def reset(self) -> None:
        self.blocks: list[ecgedge.SampleBlock] = []

    def feed(self, block: ecgedge.SampleBlock) -> list[Any]:
        self.blocks.append(block)
        return EVENTS[:-1]

    def finish(self) -> list[Any]:
        return EVENTS[-1:]


def test_the_pipeline_gets_the_first_lead_and_its_words_go_into_a_file(tmp_path: Path) -> None:
    mv = np.column_stack([np.arange(6500.0) / 6500, np.zeros(6500)])
    wfdb.wrsamp("100", FS, ["mV", "mV"], ["MLII", "V1"], mv, fmt=["16", "16"], write_dir=str(tmp_path))
    monitor, lines = Told(), list[str]()
    record = record_of(6500, path=tmp_path / "100")
    found = (ec57_annotations.found_in(monitor, record) for _ in range(2))  # type: ignore[arg-type]
    ec57_annotations.annotate(found, tmp_path / "kept", log=lines.append)
    (block,) = monitor.blocks
    assert block.fs == FS
    np.testing.assert_allclose(block.samples, mv[:, 0], atol=1e-4)
    assert values(ec57_annotations.read(tmp_path / "kept", record)) == values(SAID)
    assert lines == [f"100: {tmp_path / 'kept' / '100.ecgedge'}"] * 2


def test_the_command_scores_the_files_of_others(said: Path) -> None:
    options = ["--annotations", str(said), "--extension", "test", "--record", "100", "--record", "101"]
    done = CliRunner().invoke(app, ["evaluate", "ec57", *options], catch_exceptions=False)
    assert json.loads(done.stdout) == scored(said, "100", "101")
    lines = [line.split() for line in done.stderr.splitlines()]
    assert ["V", "1", "0", "2", "0", "0", "1"] in lines, "a row of the matrix"
    assert ["101", "100.00", "100.00", "-", "-", "0.00", "0.00", "-", "0.00"] in lines
    assert ["Gross", "88.89", "84.21", "50.00", "40.00", "20.00", "25.00", "33.33", "14.29"] in lines
    assert ["Average", "66.67", "60.00", "29.41", "27.78"] in lines


def test_the_command_keeps_no_files_of_others(said: Path) -> None:
    with pytest.raises(ConfigError, match="--keep"):
        CliRunner().invoke(
            app,
            ["evaluate", "ec57", "--annotations", str(said), "--keep", str(said)],
            catch_exceptions=False,
            standalone_mode=False,
        )


def mitdb(record: str) -> data.Record:
    try:
        return next(data.mitdb([record]))
    except ConfigError as missing:
        pytest.skip(str(missing))


def test_the_annotators_themselves_are_right_and_flutter_is_left_out(tmp_path: Path) -> None:
    record = mitdb("207")
    inside = np.arange(555_000, 589_000, 300)  # within its last flutter, the only one after five minutes
    at = np.concatenate([record.beats, inside])
    codes = np.concatenate([ec57.as_reference(record).aami, np.full(len(inside), "V")])
    order = np.argsort(at)
    ec57_annotations.write(
        tmp_path, "207", record.fs, Annotations(Beats(at[order], codes[order]), record.rhythms)
    )
    matrix = ec57.report(ec57.compare_files([record], tmp_path))["beats"]["matrix"]
    raw = wfdb.rdann(str(record.path), "atr")
    held_out = [code for at, code in zip(raw.sample, raw.symbol, strict=True) if at >= 108_000]
    counts = {"N": "NLR", "S": "AaJSejn", "V": "VE", "F": "F", "Q": "/fQ", "O": ""}
    assert {c: matrix[c][c] for c in matrix} == {
        c: sum(code in codes for code in held_out) for c, codes in counts.items()
    }
    assert sum(sum(row.values()) for row in matrix.values()) == sum(matrix[c][c] for c in matrix)


@pytest.mark.slow
def test_the_pipeline_finds_the_beats_of_a_record_and_keeps_its_files(tmp_path: Path) -> None:
    record = mitdb("100")
    options = ["--keep", str(tmp_path), "--record", "100"]
    done = CliRunner().invoke(app, ["evaluate", "ec57", *options], catch_exceptions=False)
    report = json.loads(done.stdout)
    assert report["beats"]["gross"]["QRS Se"] > 99.5
    assert report["beats"]["gross"]["QRS P+"] > 99.5
    assert report["af"]["counts_by_record"]["100"]["reference_s"] == 0.0
    assert len(ec57_annotations.read(tmp_path, record).beats.sample) > 2200
