"""Recordings give the events that they gave before, whoever refactored what (see event_digests.py)."""

import importlib.util
import json
from pathlib import Path

import pytest

from ecgedge_export import data

spec = importlib.util.spec_from_file_location("event_digests", Path(__file__).with_name("event_digests.py"))
event_digests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(event_digests)
KEPT = json.loads(event_digests.FILE.read_text())


@pytest.mark.parametrize("name", sorted(KEPT))
@pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")
def test_a_recording_gives_the_same_events_as_before(name):
    blocks = dict(event_digests.recordings()).get(name)
    if blocks is None:
        dataset = name.split("/")[0]
        pytest.skip(
            f"{name} is not at hand: ecgedge-export data fetch {dataset}"
            if dataset in data.DATASETS
            else f"{name} is not public, nothing can fetch it"
        )
    assert event_digests.digest(blocks) == KEPT[name]
