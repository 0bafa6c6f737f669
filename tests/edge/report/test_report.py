"""The report: its numbers are those of the events, whatever the recording; nothing foreign becomes markup."""

from __future__ import annotations

import json
import re
from datetime import datetime

import numpy as np
import pytest
from page_reading import Page
from typer.testing import CliRunner

import ecgedge
from ecgedge import Battery, Beat, Gap, Hrv, LinkState, Mark, Note, Quality, Recorder, Rhythm, SampleBlock
from ecgedge.cli.app import app
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge.recording.csvwriter import CsvWriter
from ecgedge.report.origin import Origin
from ecgedge.report.written import make
from ecgedge_bridge.codes import NoteCode

FS = 130.0
START = datetime(2026, 11, 28, 22, 50)


class Given:
    """A stream that is given."""

    def __init__(self, items, start=None):
        self._items, self.start = items, start

    def items(self):
        yield from self._items


def made(items, tmp_path, start=None, origin=None, **options):
    return make(Given(items, start), origin or Origin("night.csv"), tmp_path, **options)


def run(*arguments, status=0):
    result = CliRunner().invoke(app, ["report", *map(str, arguments)], standalone_mode=False)
    if status == 0 and result.exception:
        raise result.exception
    return result


def names(folder):
    return [path.name for path in folder.iterdir()]


def blocks(mv, first=0, device=""):
    for at in range(0, len(mv), 130):
        yield SampleBlock(np.asarray(mv[at : at + 130], np.float32), FS, first + at, device=device)


def beats(symbols, start_s=0.0, rr_s=0.8):
    return [
        Beat(round((start_s + rr_s * i) * FS), start_s + rr_s * i, 1e3 * rr_s if i else None, symbol)
        for i, symbol in enumerate(symbols)
    ]


def verdict(start_s, end_s, accepted=True, reasons=()):
    return Quality(round(start_s * FS), start_s, round(end_s * FS), end_s, accepted, 0.9, reasons)


def rhythm(start_s, end_s, label="N", bpm=75.0, sinus=None):
    return Rhythm(
        round(start_s * FS), start_s, round(end_s * FS), end_s, label, label, {label: 1.0}, True, False,
        label == "A", bpm, None, sinus,
    )  # fmt: skip


def flat(seconds):
    return list(blocks(np.zeros(round(seconds * FS))))


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """Four minutes of all kinds, with a gap."""
    parts = [("sinus", 60.0, 62.0), ("af", 60.0, 95.0), ("pvc", 80.0, 70.0), ("noise", 40.0, 70.0)]
    mv = synthesize([Segment(*part) for part in parts], FS, seed=4).mv.astype(np.float32)
    path = tmp_path_factory.mktemp("report") / "mixed.csv"
    with CsvWriter(path) as writer:
        for block in blocks(mv[: 150 * 130]):
            writer.write(block)
        for block in blocks(mv[150 * 130 :], first=155 * 130):
            writer.write(block)
    return path


@pytest.fixture(scope="module")
def written(recording):
    out = recording.with_suffix(".html")
    run(recording, "-o", out)
    return out


@pytest.fixture(scope="module")
def page(written):
    return Page(written.read_text())


def test_the_page_has_the_numbers_of_summarize(recording, page):
    found = ecgedge.summarize(ecgedge.load(recording))
    assert found.af
    assert found.ventricular.beats > 5
    assert (
        page.facts["Recording"] | {"beats": f"{found.beats:,}", "samples missing": f"{found.lost}"}
        == (page.facts["Recording"])
    )
    assert page.facts["Recording"]["readable"] == f"{100 * found.usable:.0f} %"
    assert page.facts["Heart rate"]["mean"] == f"{found.heart_rate_bpm:.0f}/min"
    assert page.facts["Heart rate"]["slowest minute"].startswith(f"{found.slowest_bpm:.0f}/min at ")
    assert page.facts["Heart rate"]["fastest minute"].startswith(f"{found.fastest_bpm:.0f}/min at ")
    assert page.facts["Rhythm"]["AF burden"] == f"{100 * found.af_burden:.0f} %"
    ventricular = page.facts["Ventricular beats (VEB)"]
    assert ventricular["beats"] == f"{found.ventricular.beats}"
    assert ventricular["an hour"] == f"{found.ventricular.per_hour:.1f}"
    assert ventricular["couplets"] == f"{found.ventricular.couplets}"
    assert page.facts["Supraventricular (SVEB)"]["beats"] == f"{found.supraventricular.beats}"
    assert page.facts["Pauses"]["over 2 s"] == f"{found.pauses}"
    assert page.facts["Pauses"]["longest RR"].startswith(f"{found.longest_rr_ms / 1e3:.2f} s at ")
    assert page.facts["Heart rate variability"]["RMSSD, mean of 5 min"] == f"{found.rmssd_ms:.0f} ms"


def test_the_page_tells_it_in_words_first(page):
    assert page.sections[0] == "summary"
    told = " ".join(page.short)
    assert "Atrial fibrillation in 1 episode" in told
    assert "ventricular extra beats" in told
    assert re.search(r"4 min of ECG recorded in 4 min 5 s; 5\.0 s are missing in 1 gap\.", told)


def test_each_finding_has_its_strip(page):
    labels = " ".join(page.labels())
    for words in ("Onset of the episode", "Ventricular: a single one", "Slowest minute", "RR interval of"):
        assert words in labels
    assert {"overview", "af", "ectopy", "pauses", "hrv", "quality", "method"} <= set(page.sections)


def test_it_loads_and_runs_nothing(written):
    text = written.read_text()
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object", "a", "form"} & page.names()
    assert not re.search(
        r"""(?:src=|href|url\(|@import|https?:)""", text.replace("http://www.w3.org/2000/svg", "")
    )
    policies = [a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies[0].startswith("default-src 'none'")
    assert not any(key.startswith("on") or key == "style" for _, attrs in page.tags for key in attrs)


def test_a_screen_reader_finds_its_way(page):
    assert [attrs.get("lang") for tag, attrs in page.tags if tag == "html"] == ["en"]
    assert [tag for tag, _ in page.tags].count("h1") == 1
    assert all(attrs.get("scope") in ("row", "col") for tag, attrs in page.tags if tag == "th")
    assert all(attrs.get("role") == "img" for tag, attrs in page.tags if tag == "svg")
    assert all(page.labels())


def test_the_same_recording_gives_the_same_page(recording, written, tmp_path):
    run(recording, "-o", tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == written.read_bytes()


def test_json_has_the_summary(recording, tmp_path):
    result = run(recording, "-o", tmp_path / "a.html", "--json")
    told = json.loads(result.stdout)
    found = ecgedge.summarize(ecgedge.load(recording)).to_json()
    assert told["type"] == "report"
    assert told["files"] == [
        {"file": str(tmp_path / "a.html"), "bytes": (tmp_path / "a.html").stat().st_size}
    ]
    for key in ("beats", "af_burden", "ventricular", "pauses", "heart_rate_bpm"):
        assert told[key] == found[key]


def test_a_page_is_for_its_owner_and_never_replaced(recording, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(recording)
    page = tmp_path / "mixed.html"
    assert page.stat().st_mode & 0o777 == 0o600
    before = page.read_bytes()
    result = run(recording, status=1)
    assert "is there already" in str(result.exception)
    assert page.read_bytes() == before
    run(recording, "--force", "--from", "10", "--to", "40")
    assert page.read_bytes() != before
    assert names(tmp_path) == ["mixed.html"]


@pytest.mark.parametrize("name", ["a.txt", "a"])
def test_another_ending_is_refused(recording, tmp_path, name):
    result = run(recording, "-o", tmp_path / name, status=1)
    assert "ends in .html or .pdf" in str(result.exception)
    assert names(tmp_path) == []


def test_nothing_is_left_of_a_recording_that_cannot_be_read(tmp_path):
    (tmp_path / "bad.csv").write_text("hello\n")
    result = run(tmp_path / "bad.csv", "-o", tmp_path / "a.html", status=1)
    assert isinstance(result.exception, ecgedge.ConfigError)
    assert names(tmp_path) == ["bad.csv"]


def test_a_minute_is_shown_whole(recording, tmp_path):
    run(recording, "-o", tmp_path / "a.html", "--from", "1:00", "--to", "2:00")
    page = Page((tmp_path / "a.html").read_text())
    assert page.facts["Recording"]["length"] == "1 min"
    assert "ecg" in page.sections
    assert not {"overview", "af", "ectopy", "example"} & set(page.sections)
    shown = [float(words) for words in re.findall(r"All of it: ([\d.]+) s of ECG", " ".join(page.labels()))]
    assert sum(shown) == pytest.approx(60.0)
    found = ecgedge.summarize(ecgedge.load(recording).mv[60 * 130 : 120 * 130], FS)
    assert page.facts["Recording"]["beats"] == f"{found.beats}"


def test_totals_of_the_hours_are_those_of_the_summary(tmp_path):
    symbols = "NNNVNNSNVVN" * 600  # at 0.8 s: 88 minutes
    found = beats(symbols)
    end_s = 10 * (found[-1].time_s // 10 + 1)
    events = [*found]
    for at in range(0, int(end_s), 10):
        events.append(verdict(at, at + 10, accepted=at % 1000 != 0, reasons=("motion", "muscle_noise")))
        events.append(rhythm(max(0, at - 20), at + 10, "A" if 1000 <= at < 2000 else "N"))
    report = made(sorted(events, key=lambda e: getattr(e, "end_time_s", e.time_s)), tmp_path, START)
    found, page = report.findings, Page(report.html)
    summary = found.summary
    rows = page.tables["Beats and rhythm by the hour"]
    heads, hours, total = rows[0], rows[1:-1], rows[-1]
    assert [hour[0] for hour in hours] == ["Sat 22:00", "Sat 23:00", "Sun 00:00"]
    for name, count in (
        ("beats", summary.beats),
        ("VEB", summary.ventricular.beats),
        ("SVEB", summary.supraventricular.beats),
    ):
        column = heads.index(name)
        assert sum(int(hour[column].replace(",", "")) for hour in hours) == count > 0
        assert total[column] == f"{count:,}"
    assert sum(hour.af_s for hour in found.hours) == pytest.approx(1000.0)
    assert sum(hour.usable_s for hour in found.hours) / end_s == pytest.approx(summary.usable)
    assert [(one.reason, one.seconds) for one in found.reasons] == [("motion", 60.0), ("muscle noise", 60.0)]
    assert max(found.episodes, key=lambda one: one.end_s - one.start_s).end_s - 2000 <= 10
    assert max(one.end_s - one.start_s for one in found.episodes) == pytest.approx(summary.longest_af_s)
    assert sum(span.end_s - span.start_s for span in found.rhythms if span.kind == "A") == pytest.approx(
        1000.0
    )
    assert found.slowest.bpm == summary.slowest_bpm
    assert found.fastest.bpm == summary.fastest_bpm


def test_pauses_are_listed_with_their_time(tmp_path):
    times = [0.8 * i + (2.5 if i >= 40 else 0.0) + (1.7 if i >= 60 else 0.0) for i in range(100)]
    found = [Beat(round(t * FS), t, None, "N") for t in times]
    events = [*found, *(verdict(10 * i, 10 * (i + 1)) for i in range(9))]
    report = made([*flat(200), *events], tmp_path)
    assert report.findings.summary.pauses == 2
    listed = Page(report.html).tables["RR intervals over 2 s, the longest first"]
    assert listed == [["from", "length"], ["0:31", "3.30 s"], ["0:49", "2.50 s"]]


def test_a_minute_of_few_beats_is_neither_slowest_nor_fastest(tmp_path):
    events = [
        *beats("N" * 75),
        *beats("N" * 6, start_s=61.0, rr_s=1.9),
        *beats("N" * 90, start_s=121.0, rr_s=0.6),
    ]
    found = made(
        [*flat(200), *events, *(verdict(i, i + 10, accepted=not 80 <= i < 120) for i in range(0, 190, 10))],
        tmp_path,
    ).findings
    assert found.slowest.bpm == found.summary.slowest_bpm > 60
    assert found.slowest.start_s != 60.0


def test_marks_have_the_minute_around_them(tmp_path):
    events = [
        rhythm(0, 100, "N"),
        rhythm(100, 200, "A"),
        Mark(round(150 * FS), 150.0, "palpitations"),
        Mark(0, 5.0),
    ]
    report = made([*flat(200), *events], tmp_path, START)
    page = Page(report.html)
    assert page.tables["Moments that were marked"][1:] == [
        ["22:52:30", "palpitations", "atrial fibrillation"], ["22:50:05", "–", "sinus rhythm"],
    ]  # fmt: skip
    minutes = re.findall(
        r"“palpitations”: 30 s before and after[^:]*: ([\d.]+) s of ECG, 12.5 mm/s", " ".join(page.labels())
    )
    assert sum(map(float, minutes)) == pytest.approx(60.0)
    first = re.findall(r"22:50:05: 30 s before and after[^:]*: ([\d.]+) s of ECG", " ".join(page.labels()))
    assert sum(map(float, first)) == pytest.approx(35.0)  # no 30 s lie before it
    assert "The wearer marked 2 moments: 22:52:30 “palpitations” (atrial fibrillation)" in " ".join(
        page.short
    )


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&\x1b[2J\u202e</title></style>"


def test_foreign_text_stays_text(tmp_path):
    items = [
        *blocks(np.zeros(130 * 130), device=HOSTILE),
        Mark(1000, 8.0, HOSTILE),
        Note(0, 0.0, NoteCode.CLOCK_STEP, HOSTILE),
        LinkState(0, 0.0, "backing_off", HOSTILE),
        verdict(0, 10, accepted=False, reasons=(HOSTILE,)),
        rhythm(0, 30, "N"),
    ]
    facts = {
        "device": HOSTILE,
        "ecgedge": HOSTILE,
        "models": {HOSTILE: HOSTILE},
        "age": HOSTILE,
        "sex": HOSTILE,
    }
    report = made(items, tmp_path, origin=Origin(HOSTILE, HOSTILE, True, (facts,), {"rhythm": "0" * 64}, "1"))
    page = Page(report.html)
    plain = made([*blocks(np.zeros(130 * 130), device="a"), *(rhythm(0, 30),)], tmp_path)
    assert page.names() <= Page(plain.html).names() | {
        "table",
        "caption",
        "thead",
        "tbody",
        "th",
        "td",
        "tr",
        "ul",
        "li",
    }
    assert "<script" not in report.html
    assert "<img" not in report.html
    assert "\x1b" not in report.html
    assert "\u202e" not in report.html
    assert report.html.count("</style>") == 1
    assert "&lt;script&gt;" in report.html


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([], "Nothing was recorded"),
        ([Gap(0, 0.0, 1300, 10.0, 1300)], "Nothing was recorded"),
        (flat(1), "too short to be judged"),
        ([*flat(300), *(verdict(i, i + 10, accepted=False) for i in range(0, 300, 10))], "None of it"),
        (list(blocks(np.full(13_000, np.nan))), "Nothing was recorded"),
    ],
    ids=["empty", "gap", "second", "noise", "missing"],
)  # fmt: skip
def test_a_recording_of_nothing_has_a_page(items, words, tmp_path):
    report = made(items, tmp_path)
    page = Page(report.html)
    assert words in page.short[0]
    assert page.facts["Heart rate"]["mean"] == "–"
    assert "method" in page.sections


def test_sessions_and_their_interruption(tmp_path):
    now = [1_800_000_000.0]
    ecg = synthesize([Segment("sinus", 60.0, 62.0)], FS, seed=1).mv
    for part in range(2):
        facts = {"device": "Polar H10", "ecgedge": f"0.{part}", "models": {"rhythm": str(part) * 64}}
        with Recorder(tmp_path / "a.db", facts, wall_clock=lambda: now[0]) as recorder:
            monitor = ecgedge.Monitor()
            for block in blocks(ecg):
                now[0] += 1.0
                placed = recorder.place(block)
                recorder.take([placed, *monitor.feed(placed)])
            recorder.take([Battery(placed.end_sample, placed.end_sample / FS, 90 - part)])
            recorder.mark("lay down")
            recorder.take(monitor.finish())
        now[0] += 600.0
    run(tmp_path / "a.db", "-o", tmp_path / "a.html")
    page = Page((tmp_path / "a.html").read_text())
    assert page.facts["Recording"]["ECG in it"] == "2 min"
    assert page.tables["Missing signal, the longest"][1][1] == "10 min"
    source = dict(page.tables["Where it comes from"])
    assert source["sessions"] == "2"
    assert source["recorded with"] == "ecgedge 0.0, 0.1"
    assert source["events"] == "as recorded"
    models = {row[0]: row[1:] for row in page.tables["Models, by the sha256 of their weights and limits"]}
    assert models == {
        "rhythm": ["000000000000, 111111111111", "not the one in this package, whose figures follow"]
    }
    assert len(page.tables["Moments that were marked"]) == 3
    assert "Battery of the wearable: 90 % at first, 89 % at last." in (tmp_path / "a.html").read_text()
    recorded = page.facts["Recording"]["beats"]
    run(tmp_path / "a.db", "-o", tmp_path / "again.html", "--again")
    again = Page((tmp_path / "again.html").read_text())
    assert again.facts["Recording"]["beats"] == recorded != "0"
    assert dict(again.tables["Where it comes from"])["events"] == "found for this report"


def test_a_stretch_tells_of_itself_alone(tmp_path):
    """Windows that reach over its borders are cut there, those of HRV left out."""
    with Recorder(tmp_path / "a.db") as recorder:
        for second, block in enumerate(flat(300)):
            recorder.take([block, *beats("N", start_s=float(second))])
            if second % 10 == 9:
                label = "A" if 90 <= second < 210 else "N"
                end_s = second + 1.0
                recorder.take([verdict(end_s - 10, end_s), rhythm(max(0.0, end_s - 30), end_s, label)])
    run(tmp_path / "a.db", "-o", tmp_path / "a.html", "--from", "1:35", "--to", "3:05")
    page = Page((tmp_path / "a.html").read_text())
    assert page.facts["Recording"]["length"] == "1 min 30 s"
    assert page.facts["Recording"]["beats"] == "90"
    assert page.facts["Rhythm"]["atrial fibrillation"] == "100 %"
    assert page.facts["Rhythm"]["AF, longest"] == "1 min 30 s"


def test_strips_are_bounded_however_much_there_is(tmp_path):
    """Six hours in which each ten seconds hold an episode, a run, a pause and a mark."""
    items = []
    for at in range(0, 6 * 3600, 10):
        items += blocks(np.sin(np.arange(1300) / 20), first=round(at * FS))
        items += beats("NVNVVNVVVN", start_s=at + 0.3, rr_s=0.7)
        items += [
            verdict(at, at + 10),
            rhythm(at, at + 10, "A" if at % 20 else "N"),
            Mark(round(at * FS), float(at), "x" * 500),
        ]
    report = made(items, tmp_path, START)
    page = Page(report.html)
    assert len(report.findings.episodes) == 1080
    assert "1,068 shorter ones are not" in report.html
    assert "Onsets of the 6 longest are shown; those of 1,074 others are not." in report.html
    assert len([label for label in page.labels() if label.startswith("Onset")]) == 6 * 2
    assert len(report.html) < 3_000_000


def test_twelve_leads_come_with_their_warning(recording, tmp_path):
    run(recording, "-o", tmp_path / "a.html", "--twelve-leads")
    page = Page((tmp_path / "a.html").read_text())
    assert "leads" in page.sections
    guessed = [label for label in page.labels() if ", guessed" in label]
    assert len(guessed) == 11
    assert "Eleven of these twelve leads were never measured" in (tmp_path / "a.html").read_text()


def test_limits_are_those_of_the_manifests(page):
    from ecgedge.artefacts.folder import BUNDLED

    rhythm = json.loads((BUNDLED / "rhythm" / "manifest.json").read_text())["metrics"]["int8_litert"]
    classes = json.loads((BUNDLED / "beat_classes" / "manifest.json").read_text())["metrics"]["int8_litert"]
    from ecgedge.report.sections.method import limits

    told = " ".join(limits())
    assert f"{100 * rhythm['af']['Se']:.1f} %" in told
    assert f"{classes['gross']['SVEB']['P+']:.1f} %" in told
    assert len(list(limits())) == 7


def test_intervals_are_medians_of_the_minutes(tmp_path):
    def interval(at, qt):
        return ecgedge.Intervals(
            sample=0, time_s=at, end_sample=1, end_time_s=at + 60, beats=60, pr_ms=None, pr_beats=0,
            qrs_ms=90.0, qrs_beats=50, qt_ms=qt, qt_beats=50, rr_ms=800.0, qtc_bazett_ms=qt + 30,
            qtc_fridericia_ms=qt + 20,
        )  # fmt: skip

    page = Page(
        made([*flat(200), interval(0.0, 380.0), interval(60.0, 400.0), interval(120.0, 440.0)], tmp_path).html
    )
    shown = page.facts["Intervals, medians"]
    assert shown["QT"] == "400 ms (380 to 440)"
    assert shown["QTc (Fridericia)"] == "420 ms (400 to 460)"
    assert "PR" not in shown


def test_hrv_windows_keep_their_range(tmp_path):
    def window(at, rmssd):
        names = (
            name
            for name in Hrv.__dataclass_fields__
            if name not in ("sample", "end_sample", "time_s", "end_time_s")
        )
        none = dict.fromkeys(names)
        return Hrv(
            **none | {"n_rr": 9, "n_nn": 9, "usable": 1.0, "rmssd_ms": rmssd, "mean_nn_ms": 700.0 + at},
            sample=0, time_s=at, end_sample=1, end_time_s=at + 300.0,
        )  # fmt: skip

    items = [*flat(100), *beats("N" * 100), verdict(0, 100)]
    report = made([*items, window(0.0, 20.0), window(60.0, 30.0), window(300.0, 70.0)], tmp_path)
    rows = {row[0]: row[1:] for row in Page(report.html).tables["Windows of five minutes, one each minute"]}
    assert rows["RMSSD"] == ["20 ms", "40 ms", "70 ms"]
    # of the windows that do not overlap: 700 and 1000 ms
    assert report.findings.hrv.sdann_ms == pytest.approx(np.std([700.0, 1000.0], ddof=1))
    assert report.findings.hrv.whole.count == 99
