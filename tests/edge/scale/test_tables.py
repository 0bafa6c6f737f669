"""The page says what the tables hold, column by column."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ecgedge.events import Beat, Gap, Rhythm
from ecgedge.scale.parts import schema_of
from ecgedge.scale.tables import TABLES, columns_of, row_of, table_of

PAGE = (Path(__file__).parents[3] / "docs" / "batch.md").read_text("utf-8")


@pytest.mark.parametrize("table", TABLES)
def test_the_page_has_every_column_and_its_type(table: str) -> None:
    section = PAGE.partition(f"### `{table}`")[2].partition("\n###")[0].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?`) \| ([a-z0-9<>, ]+) \|", section, re.MULTILINE)
    said = [(name, kind) for names, kind in rows for name in re.findall(r"`(\w+)`", names)]
    assert sorted(said) == sorted(columns_of(table))


@pytest.mark.parametrize("table", TABLES)
def test_the_schema_of_the_parts_is_that(table: str) -> None:
    schema = schema_of(table)
    assert tuple(schema.names) == tuple(name for name, _ in columns_of(table))
    shown = [str(one.type).replace("element: ", "").replace("item: ", "") for one in schema]
    wanted = [kind for _, kind in columns_of(table)]
    assert [kind.replace(" ", "") for kind in shown] == [kind.replace(" ", "") for kind in wanted]


def test_an_event_without_a_table_is_json() -> None:
    gap = Gap(130, 1.0, 260, 2.0, 130)
    assert table_of(gap) == "events"
    assert row_of(gap)["json"].startswith('{"type": "gap", "sample": 130')
    assert table_of(Beat(0, 0.0, None)) == "beats"


def test_probabilities_are_pairs_in_the_order_of_the_classes() -> None:
    rhythm = Rhythm(0, 0.0, 1, 1.0, "N", "N", {"N": 0.9, "A": 0.1}, conclusive=True, changed=True)
    assert row_of(rhythm)["probabilities"] == [("N", 0.9), ("A", 0.1)]
