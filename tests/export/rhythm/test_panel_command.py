"""``ecgedge-export distill`` with a panel, on real recordings: every way trains and is measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ecgedge_bridge.errors import ConfigError
from ecgedge_export import cli, data
from ecgedge_export.recipe import RECIPES
from ecgedge_export.rhythm.panel import ways, worth

PANEL = f"""
[panel]
models = ["rhythm_separable"]
bfloat16 = true
tries = {json.dumps([name for name in ways.TRIES if name != "embeddings"])}
"""


def test_every_way_learns_from_real_recordings(tmp_path: Path) -> None:
    try:
        for name in ("cinc2017", "ptb-xl", "svdb", "mitdb", "nstdb"):
            data.DATASETS[name].folder()
    except ConfigError as missing:
        pytest.skip(str(missing))
    text = (RECIPES / "rhythm.toml").read_text().partition("[panel]")[0]
    text = text.replace('name = "rhythm"', 'name = "rhythm_tried"')
    (tmp_path / "rhythm_tried.toml").write_text(text + PANEL)
    for name in ("rhythm_base", "rhythm_twelve_leads"):
        (tmp_path / f"{name}.toml").write_text((RECIPES / f"{name}.toml").read_text())
    asked = ("distill", f"{tmp_path}/rhythm_tried.toml", "--quick", "--seeds", "1")
    done = CliRunner().invoke(cli.app, [*asked, "--work", f"{tmp_path}/work"], catch_exceptions=False)
    table = json.loads(done.stdout)
    assert len(table["panel"]) == 10
    for name, row in table["panel"].items():
        for measure in worth.MEASURES:
            low, high = row[measure.name]["gain_95"]
            assert low - 1e-4 <= row[measure.name]["gain"] <= high + 1e-4 or name == "labels"
    assert table["panel"]["labels"]["mean F1"]["gain_95"] == [0, 0]
