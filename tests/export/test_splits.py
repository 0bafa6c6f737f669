"""No recording on both sides."""

from ecgedge_export.splits import DS1, DS2, SAME_RECORDING, is_validation, split_hash

IDS = [f"A{i:05d}" for i in range(1, 8529)]


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


def test_ds1_and_ds2_share_no_record():
    assert len(DS1) == len(DS2) == 22
    assert not set(DS1) & set(DS2)


def test_a_split_hash_does_not_depend_on_the_order():
    assert split_hash(["b", "a"]) == split_hash(["a", "b"]) != split_hash(["a"])
