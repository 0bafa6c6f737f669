"""Own recordings: the page's own recipe on a made data set, from a table of labels to a monitor."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import given
from hypothesis import strategies as st

import ecgedge
from ecgedge.demo.synthetic import Segment, synthesize
from ecgedge_bridge.errors import ConfigError
from ecgedge_export import recipe as recipes
from ecgedge_export import tasks
from ecgedge_export.recipe import OwnData
from ecgedge_export.rhythm import own_data
from ecgedge_export.rhythm.own_data import Row, divide, read_table
from ecgedge_export.ship.bundle import bundle
from ecgedge_export.ship.verify import verify

PAGE = Path(__file__).parents[3] / "docs" / "own-data.md"
CLASSES = ("sinus", "afib")


def page(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's recipe beside a made data set: CSV and WFDB at two rates, one file of two rhythms."""
    place = tmp_path_factory.mktemp("own")
    folder = place / "recordings"
    folder.mkdir()
    rows = ["file,label,patient,start_s,end_s"]
    for i in range(8):
        label, fs = ("AFIB", "sinus")[i % 2], (130.0, 250.0)[i % 2]
        mv = synthesize([Segment(("af", "sinus")[i % 2], 35.0, 60.0 + 6 * i)], fs, seed=i).mv
        if i % 4 < 3:
            name = "p01-monday.csv" if i == 1 else f"r{i}.csv"
            times = np.round(np.arange(len(mv)) * 1000 / fs, 3)
            np.savetxt(folder / name, np.column_stack([times, mv]), "%.4f", ",", header="time_ms,ecg_mV",
                       comments="")  # fmt: skip
        else:
            name = f"r{i}.hea"
            wfdb.wrsamp(f"r{i}", fs, ["mV"], ["II"], mv[:, None].astype(float), fmt=["16"],
                        write_dir=str(folder))  # fmt: skip
        rows.append(f"{name},{label},p{i},,")
    both = synthesize([Segment("sinus", 40.0, 66.0), Segment("af", 40.0, 90.0)], 130.0, seed=30).mv
    times = np.round(np.arange(len(both)) / 0.13, 3)
    np.savetxt(folder / "both.csv", np.column_stack([times, both]), "%.4f", ",", header="time_ms,ecg_mV",
               comments="")  # fmt: skip
    rows += ["both.csv,sinus,p9,,39", "both.csv,AFIB,p9,41,"]
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    text = page("toml").replace("epochs = 20", "epochs = 3").replace("# names", "names")
    (place / "mine.toml").write_text(text)
    return place


@pytest.mark.slow
def test_the_page_leads_from_recordings_to_a_monitor(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    job = tasks.Job(place / "mine.toml", place / "work", place / "models" / "rhythm", "test", said.append)
    line = tasks.train(job)
    assert line.startswith("mean F1 ")
    assert said[0].endswith("6 stretches train, 4 validate")
    verify(place / "models")
    bundle(place / "models", place / "mine.zip")
    verify(place / "mine.zip")
    card = (place / "models" / "rhythm" / "CARD.md").read_text()
    assert "sinus (normal), afib (af)" in card
    assert "own recordings: 10 stretches" in card
    models = ecgedge.Models.load(rhythm=place / "models" / "rhythm")
    for kind, label in (("sinus", "sinus"), ("af", "afib")):
        mv = synthesize([Segment(kind, 60.0, 77.0)], 200.0, seed=99).mv
        found = ecgedge.classify(mv, 200.0, models=models)
        assert (found.label, found.af) == (label, kind == "af")
    monkeypatch.chdir(place)
    scope: dict[str, object] = {}
    exec(page("python"), scope)
    monitor = scope["monitor"]
    assert isinstance(monitor, ecgedge.Monitor)
    events = monitor.feed(ecgedge.SampleBlock(samples=mv, fs=200.0)) + monitor.finish()
    assert {e.label for e in events if isinstance(e, ecgedge.Rhythm)} <= set(CLASSES)
    # The same job again begins where the first one ended; another start is another run.
    assert tasks.train(job) == line
    (place / "mine.toml").write_text((place / "mine.toml").read_text().replace('init = "shipped"', ""))
    with pytest.raises(ConfigError, match="of another recipe"):
        tasks.train(job)


def test_no_patient_is_on_two_sides_and_every_class_is_on_both() -> None:
    rows = [Row(f"{i}.csv", CLASSES[i % 2], f"p{i // 3}") for i in range(60)]
    sides = divide(rows, 25)
    assert {r.label for r in sides.train} == {r.label for r in sides.validation} == set(CLASSES)
    assert sides == divide(rows, 25)
    assert {r.patient for r in divide(rows[::-1], 25).validation} == {r.patient for r in sides.validation}


@given(
    st.lists(st.tuples(st.sampled_from(CLASSES), st.integers(0, 12)), min_size=1, max_size=40),
    st.integers(1, 90),
)
def test_any_table_is_divided_by_patient_or_refused(rows: list[tuple[str, int]], percent: int) -> None:
    made = [Row(f"{i}.csv", label, f"p{who}") for i, (label, who) in enumerate(rows)]
    try:
        sides = divide(made, percent)
    except ConfigError:
        return
    train, validation = ({r.patient for r in side} for side in sides)
    assert not train & validation
    assert sorted(sides.train + sides.validation, key=made.index) == made
    assert {r.label for r in sides.train} == {r.label for r in sides.validation} == {r.label for r in made}


def table(tmp_path: Path, text: str, **changes: object) -> list[Row]:
    (tmp_path / "labels.csv").write_text(text)
    own = OwnData(".", **changes)  # type: ignore[arg-type]
    return read_table(tmp_path / "labels.csv", own, CLASSES, lambda _: None)


def test_tables_are_read_as_they_are_written(tmp_path: Path) -> None:
    assert table(tmp_path, "\ufefffile, label\na.csv, afib\n") == [Row("a.csv", "afib", "a.csv")]
    assert table(tmp_path, 'label,who,file\nAF,7,"a b.csv"\n', patient="who", names={"AF": "afib"}) == [
        Row("a b.csv", "afib", "7")
    ]
    assert table(tmp_path, "file,label,start_s,end_s\na,sinus,1.5,\n") == [
        Row("a", "sinus", "a", 1.5, math.inf)
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column 'file'"),
        ("name,label\na,b\n", "no column 'file'"),
        ("file,label\n", "holds no rows"),
        ("file,label\na.csv,afb\n", "line 2: 'afb' is no class of the recipe .did you mean 'afib'"),
        ("file,label\n/etc/passwd,afib\n", "must name a file inside the folder"),
        ("file,label\n../a.csv,afib\n", "must name a file inside the folder"),
        ("file,label,start_s\na.csv,afib,soon\n", "start_s = 'soon' is no number"),
        ("file,label,end_s\na.csv,afib,-1\n", "end_s = '-1' is no number"),
        ("file,label\na.csv,afib\nb.csv\n", "line 3: '' is no class"),
    ],
)
def test_a_wrong_table_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        table(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_missing_patients_are_a_warning(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,label\na.csv,afib\n")
    said: list[str] = []
    read_table(tmp_path / "labels.csv", OwnData("."), CLASSES, said.append)
    assert "each file counts as a patient" in said[0]


def read(path: Path) -> None:
    loaded = recipes.load(path)
    assert loaded.data
    own_data.load_sets(loaded, loaded.data, path, lambda _: None)


def test_what_cannot_train_is_refused(place: Path, tmp_path: Path) -> None:
    text = (place / "mine.toml").read_text()
    for change, message in (
        (('folder = "recordings"', 'folder = "nowhere"'), "write the table"),
        (('labels = "labels.csv"', 'labels = "l.csv"'), "there is neither"),
        (("[training]", '[distill]\nteacher = "x"\n[training]'), r"leave \[distill\]"),
        (('patient = "patient"', "channel = true"), "a name or a number"),
    ):
        assert change[0] in text
        path = tmp_path / "r.toml"
        path.write_text(text.replace(*change))
        with pytest.raises(ConfigError, match=message):
            read(path)
    with pytest.raises(ConfigError, match="one has to train and another"):
        divide([Row("a", "afib", "p1"), Row("b", "afib", "p1")], 25)
