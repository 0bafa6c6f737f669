"""No recording and no person on both sides."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ecgedge_bridge.errors import ConfigError
from ecgedge_export import data, splits
from ecgedge_export.data import SAME_RECORDING, Record
from ecgedge_export.splits import DS1, DS2, is_validation, split_hash

KNOWN_FOLDS = {"svdb": [3, 3, 4, 1, 1, 2], "ludb": [4, 1, 0, 0, 3, 4]}
IDS = [f"A{i:05d}" for i in range(1, 8529)]


def record(dataset: str, record_id: str, patient: str, **more) -> Record:
    return Record(dataset, record_id, Path(record_id), 100.0, 10, ("I",), patient, **more)


# What the names of a whole release look like: (ids, patient of an id).
RELEASES: dict[str, tuple[list[str], Callable[[str], str]]] = {
    "cinc2017": (IDS, lambda i: SAME_RECORDING.get(i, i)),
    "afdb": ([f"{i:05d}" for i in range(4015, 4040)], lambda i: i),
    "ltafdb": ([f"{i:02d}" for i in range(100)], lambda i: i),
    "icentia11k": ([f"p{p:05d}_s{s:02d}" for p in range(400) for s in range(5)], lambda i: i[:6]),
    "cpsc2021": ([f"data_{p}_{k}" for p in range(105) for k in range(1, 8)], lambda i: i.split("_")[1]),
    "cinc2011": ([str(1_000_000 + 37 * i) for i in range(998)], lambda i: i),
}


def release(name: str) -> list[Record]:
    ids, patient = RELEASES[name]
    return [record(name, i, patient(i)) for i in ids]


def test_the_share_is_about_fifteen_percent():
    assert 0.14 < sum(map(is_validation, IDS)) / len(IDS) < 0.16


def test_the_same_recording_is_on_one_side():
    for a, b in SAME_RECORDING.items():
        assert is_validation(a) == is_validation(b)


def test_known_members():
    """The split must never move: models and published figures hang on it."""
    assert [i for i in IDS[:60] if is_validation(i)] == [
        f"A{n:05d}" for n in (1, 4, 9, 12, 15, 35, 38, 42, 52, 56, 59)
    ]


def test_known_sides_of_patients():
    """As above, for the data sets that are split by a hash of the patient."""
    sides = splits.divide(release("ltafdb")[:20])
    assert [r.patient for r in sides["validation"]] == ["03"]
    assert [r.patient for r in sides["test"]] == ["06", "16"]


@pytest.mark.parametrize("name", RELEASES)
def test_no_patient_crosses(name):
    records = release(name)
    sides = splits.divide(records)
    assert sum(map(len, sides.values())) == len(records)
    patients = [{r.patient for r in side} for side in sides.values()]
    assert sum(map(len, patients)) == len(set().union(*patients))
    assert 0.5 < len(sides["train"]) / len(records) < 0.95


def test_mitdb_keeps_the_person_of_201_and_202_in_the_test():
    ids = sorted({*DS1, *DS2, "102", "104", "107", "217"})
    sides = splits.divide(record("mitdb", i, {"202": "201"}.get(i, i)) for i in ids)
    assert {r.id for r in sides["train"]} == set(DS1) - {"201"}
    assert {r.id for r in sides["test"]} == set(DS2)
    assert not sides["validation"]


def test_ptbxl_follows_the_folds_of_the_release():
    sides = splits.divide(record("ptb-xl", str(f), str(f), fold=f) for f in range(1, 11))
    assert [[r.fold for r in side] for side in sides.values()] == [[*range(1, 9)], [9], [10]]


def test_shdbaf_only_tests():
    assert splits.side(record("shdb-af", "001", "7")) == "test"


@pytest.mark.parametrize(
    ("a", "b", "what"),
    [
        (record("afdb", "1", "p"), record("afdb", "2", "p"), "patient p is in train and in test"),
        (record("afdb", "1", "p"), record("afdb", "1", "q"), "record 1 is in train and in test"),
    ],
)
def test_a_crossing_is_refused(a, b, what):
    with pytest.raises(ValueError, match=what):
        splits.check_disjoint({"train": [a], "test": [b]})
    splits.check_disjoint({"train": [a, b]})


def test_a_fold_that_divides_a_patient_is_refused():
    torn = [record("ptb-xl", "1", "p", fold=1), record("ptb-xl", "2", "p", fold=9)]
    with pytest.raises(ValueError, match="patient p"):
        splits.divide(torn)


def test_every_data_set_has_a_split_and_a_statement():
    assert set(splits.SPLITS) == set(data.DATASETS)
    for split in splits.SPLITS.values():
        assert split.statement.startswith(("By patient", "By record", "By time", "External test"))
    with pytest.raises(ConfigError, match="no data set is called"):
        splits.side(record("unknown", "1", "1"))


@pytest.mark.parametrize("name", ["svdb", "ludb"])
def test_a_set_without_a_test_side_is_tested_in_folds(name):
    split = data.DATASETS[name].split
    folds = [split.fold(record(name, str(i), str(i))) for i in range(800, 900)]
    assert {split.side(record(name, "801", "801"))} == {"train"}
    assert set(folds) == set(range(5))
    assert min(folds.count(k) for k in range(5)) > 10
    # Figures by fold hang on these.
    assert folds[:6] == KNOWN_FOLDS[name]


def test_ds1_and_ds2_share_no_record():
    assert len(DS1) == len(DS2) == 22
    assert not set(DS1) & set(DS2)


def test_a_split_hash_does_not_depend_on_the_order():
    assert split_hash(["b", "a"]) == split_hash(["a", "b"]) != split_hash(["a"])


@pytest.mark.parametrize("name", ["mitdb", "ptb-xl", "cinc2011"])
def test_no_patient_crosses_in_the_real_sets(name):
    try:
        records = list(data.DATASETS[name].read(None))
    except ConfigError as missing:
        pytest.skip(str(missing))
    sides = splits.divide(records)
    assert sides["train"]
