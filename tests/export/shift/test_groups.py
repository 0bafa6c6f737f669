"""Groups against everybody else: shares, intervals, order; and what PTB-XL's table knows."""

from __future__ import annotations

import numpy as np
import pytest

from ecgedge_bridge.errors import ConfigError
from ecgedge_export import data
from ecgedge_export.data.databases.ptbxl import details
from ecgedge_export.shift.groups import LEAST, Answered, table


def test_the_group_that_is_served_worst_comes_first() -> None:
    rng = np.random.default_rng(0)
    n = 600
    old = np.arange(n) < 200
    right = rng.random(n) < np.where(old, 0.6, 0.9)
    sex = tuple(rng.choice(["women", "men"], n - 20)) + ("",) * 20
    site = ("far",) * (LEAST - 1) + ("near",) * (n - LEAST + 1)
    groups = {"age": tuple(np.where(old, "old", "young")), "sex": sex, "site": site}
    rows = table(Answered("x", tuple(map(str, range(n))), right, groups))
    assert (rows[0].kind, rows[0].name) == ("age", "old")
    assert rows[-1].kind == "everybody"
    assert rows[-1].right.gain == pytest.approx(right.mean())
    worst = rows[0]
    assert worst.records == 200
    assert worst.right.gain == pytest.approx(right[old].mean())
    assert worst.to_others.gain == pytest.approx(right[old].mean() - right[~old].mean())
    assert worst.to_others.high < 0
    assert worst.right.low < worst.right.gain < worst.right.high
    assert ("site", "far") not in [(row.kind, row.name) for row in rows]  # too few to say anything
    of_sex = [row for row in rows if row.kind == "sex"]
    assert all(row.to_others.low < 0.06 and row.to_others.high > -0.06 for row in of_sex)


def test_a_group_of_everybody_is_no_group() -> None:
    rows = table(Answered("x", ("a",) * 50, np.ones(50, bool), {"rate": ("60 to 99",) * 50}))
    assert [row.kind for row in rows] == ["everybody"]


def test_site_and_device_are_read_and_a_column_that_is_not_there_is_refused() -> None:
    try:
        data.dataset("ptb-xl").folder()
    except ConfigError as missing:
        pytest.skip(str(missing))
    known = details("site", "device")
    some = next(iter(data.ptbxl())).id
    assert len(known) >= 2000
    assert all(len(row) == 2 for row in known.values())
    assert known[some][1]
    with pytest.raises(ConfigError, match="no column colour"):
        details("site", "colour")
