"""``ecgedge doctor --self``: what an installation runs on, and what is broken in it."""

import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from ecgedge.arithmetic import core
from ecgedge.cli import itself
from ecgedge.cli.app import app


def said(*arguments):
    return CliRunner().invoke(app, ["doctor", *arguments])


def test_a_whole_installation_is_described():
    done = said("--self")
    assert done.exit_code == 0
    for word in ("core", "runtimes", "model rhythm       whole", "model leads        whole"):
        assert word in done.stdout


def test_json_names_core_runtimes_and_models():
    found = json.loads(said("--self", "--json").stdout)
    assert found["type"] == "self"
    assert found["core"] == core.core_name()
    assert set(found["models"].values()) == {"whole"}


def test_a_damaged_model_is_named_and_is_a_fault(tmp_path, monkeypatch):
    from ecgedge.artefacts import folder

    for source in (folder.BUNDLED / name for name in itself._MODELS):
        (tmp_path / source.name).mkdir()
        for file in source.iterdir():
            (tmp_path / source.name / file.name).write_bytes(file.read_bytes())
    (tmp_path / "beats" / "weights.json").write_text("{}")
    monkeypatch.setattr(folder, "BUNDLED", tmp_path)
    done = said("--self")
    assert done.exit_code == 1
    assert "damaged models: beats" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("Polar H10", "--self")])
def test_it_wants_a_wearable_or_itself(arguments):
    done = said(*arguments)
    assert done.exit_code == 2
    assert "--self" in done.stderr


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("numpy", "numpy (ECGEDGE_CORE is numpy)"), ("c", "C, compiled"), ("rust", "give c, numpy")],
)
def test_the_variable_chooses_the_core(asked, expected):
    if asked == "c" and core.core is None:
        pytest.skip("no compiled core here")
    code = "from ecgedge.cli import main; import sys; sys.argv = ['ecgedge', 'doctor', '--self']; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"ECGEDGE_CORE": asked}, capture_output=True, text=True
    )
    assert expected in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
