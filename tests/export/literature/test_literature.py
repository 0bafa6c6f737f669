"""Result files of published ideas, the page made from them, and the command."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ecgedge_bridge.errors import ConfigError
from ecgedge_export.cli import app
from ecgedge_export.literature import page, row, works
from ecgedge_export.literature.row import Comparison, Measured, Table
from ecgedge_export.literature.works import WORKS, Work

ROOT = Path(__file__).parents[3]
MEASURED = Measured(
    data="CinC 2017",
    budget="5,000 parameters",
    seeds=3,
    tables=(Table("Arms", ("arm", "AUROC"), (("ours", "0.81"), ("theirs", "0.80"))),),
    comparisons=(Comparison("ours against theirs, AUROC", 0.01, -0.002, 0.021),),
    verdict="no gain",
    finding="The difference of 0.010 may be chance.",
)


def test_a_result_comes_back_as_it_was_written(tmp_path: Path) -> None:
    row.save(MEASURED, tmp_path / "one.json")
    assert row.load(tmp_path / "one.json") == MEASURED


def test_a_result_that_was_tampered_with_is_refused(tmp_path: Path) -> None:
    row.save(replace(MEASURED, verdict="splendid"), tmp_path / "one.json")
    with pytest.raises(ConfigError, match="verdict"):
        row.load(tmp_path / "one.json")


def test_the_page_shows_what_the_file_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Work("An idea", "Doe et al., 2025", "It helps.", "`idea.py`", "nowhere")
    monkeypatch.setattr(page, "WORKS", {"idea": one, "other": one})
    row.save(MEASURED, tmp_path / "idea.json")
    text = page.page(tmp_path)
    assert "| [An idea](#an-idea) | no gain | The difference of 0.010 may be chance. |" in text
    assert "| ours against theirs, AUROC | +0.010 | -0.002 to +0.021 |" in text
    assert text.count("## An idea") == 1  # the other one has no result


def test_the_page_in_the_repository_is_the_one_that_its_results_make() -> None:
    assert (ROOT / "docs" / "literature.md").read_text(encoding="utf-8") == page.page()


@pytest.mark.parametrize("name", WORKS)
def test_every_row_has_a_module_a_result_and_files_that_exist(name: str) -> None:
    work = WORKS[name]
    assert callable(importlib.import_module(work.module).measure)
    assert (page.RESULTS / f"{name}.json").is_file()
    named = [part for part in work.built.split("`")[1::2] if "/" in part]
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_no_result_is_left_of_a_row_that_has_gone() -> None:
    assert {path.stem for path in page.RESULTS.glob("*.json")} <= WORKS.keys()


def test_an_unknown_work_and_rough_figures_to_keep_are_refused() -> None:
    with pytest.raises(ConfigError, match="no work clof"):
        works.work("clof")
    result = CliRunner().invoke(app, ["literature", "--quick", "--write"])
    assert result.exit_code == 2
    assert "rough figures" in result.output
