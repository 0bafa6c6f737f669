"""A share of ``make fuzz``: adversarial signal through a whole monitor, without error, hang or growth."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ecgedge import Models

# About 10 s on one slow core.
_SHARE = 120_000


def _engine() -> ModuleType:
    """The script beside this file; the folders of tests are no packages."""
    name = "ecgedge_edge_fuzz"
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("fuzz.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


fuzz = _engine()


@pytest.fixture(scope="module")
def models():
    return Models.load()


@pytest.mark.slow
def test_adversarial_signal_runs_through_and_leaves_nothing_behind(models):
    report = fuzz.Fuzz(models, seed=1).run(_SHARE)
    assert report.problems == []
    assert report.samples == _SHARE
    assert {"Gap", "Beat", "Quality", "Rhythm", "Hrv"} <= set(report.events)


@pytest.mark.parametrize("kind", fuzz.KINDS, ids=lambda kind: kind.__name__.strip("_"))
def test_every_kind_says_the_same_in_frames_as_in_one_piece(models, kind):
    rng = fuzz.np.random.default_rng(5)
    with fuzz.np.errstate(over="ignore"):
        x = kind(rng, 4000).astype(fuzz.np.float32)

    def said(step):
        monitor = fuzz.Monitor(models)
        blocks = [fuzz.SampleBlock(x[i : i + step], fuzz.FS, i) for i in range(0, len(x), step)]
        events = [e for block in blocks for e in monitor.feed(block)] + monitor.finish()
        return [e.to_json() for e in events]

    assert said(73) == said(4000)
