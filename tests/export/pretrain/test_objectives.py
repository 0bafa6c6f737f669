"""Every objective, end to end on real recordings."""

import json

import pytest
from typer.testing import CliRunner

from ecgedge_bridge.errors import ConfigError
from ecgedge_export import data
from ecgedge_export.cli import app
from ecgedge_export.pretrain.bench import Bench
from ecgedge_export.pretrain.catalogue import OBJECTIVES, objective
from ecgedge_export.pretrain.table import table


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    try:
        for name in ("ptb-xl", "nstdb"):
            data.dataset(name).folder()
    except ConfigError as missing:
        pytest.skip(str(missing))
    return Bench(tmp_path_factory.mktemp("work"), quiet, quick=True)


def quiet(_):
    pass


@pytest.mark.slow
@pytest.mark.parametrize("name", OBJECTIVES)
def test_loss_falls(name, bench):
    trained = bench.trained(name, 1)
    assert trained.losses[-1] < trained.losses[0]


@pytest.mark.slow
def test_command_trains_and_measures(bench, tmp_path):
    result = CliRunner().invoke(app, ["pretrain", "clef", "--quick", "--work", str(bench.work)])
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["losses"] == bench.trained("clef", 1).losses
    assert said["probe"]["clef"]["mean"][0] > 0.5
    # A second look trains nothing again: the answers are there.
    again = table(bench, {"clef": ()}, seeds=[1])
    assert again["probe"] == said["probe"]


def test_names():
    for name in OBJECTIVES:
        assert objective(name).name == name
        assert objective(name).__doc__
    with pytest.raises(ConfigError, match="clef"):
        objective("cleff")
