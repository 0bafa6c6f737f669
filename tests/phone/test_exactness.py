"""The same events, byte for byte: this machine with and without SIMD, and the browser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from event_digests import MADE, made
from handset import Handset
from natively import Cores, capture

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.simulation.h10 import VirtualH10
from ecgedge_bridge.simulation.sensors import VirtualEcgEdge

MITDB = ("100", "203", "207", "222", "232")
H10 = "polar-h10"
# Counts of a converter are more than the frame holds in millivolts.
PLAYED = [name for name in MADE if "raw counts" not in name]


def of_mitdb(record: str) -> tuple[npt.NDArray[np.float32], float]:
    """A record of the MIT-BIH Arrhythmia Database."""
    from ecgedge_export import data

    try:
        (found,) = data.mitdb((record,))
    except ConfigError as why:
        pytest.skip(f"MIT-BIH {record} is not at hand: {why}")
    return found.mv, found.fs


def of_h10() -> npt.NDArray[np.float32]:
    """Ten minutes of a Polar H10."""
    import ecgedge
    from ecgedge_export import data

    try:
        file = data.find(H10, H10) / "h10_10min_pvc.csv.gz"
        blocks = list(ecgedge.read(file, fs=130.0))
    except ConfigError as why:
        pytest.skip(f"the recording of an H10 is not at hand: {why}")
    return np.concatenate([block.samples for block in blocks])


def recorded(name: str, file: Path) -> Path:
    """A capture that plays a recording: of an H10 as an H10, of others in the package's own frame."""
    if name == H10:
        return capture(VirtualH10(of_h10()), file)
    if name in MADE:
        recipe = MADE[name]
        mv, fs = np.nan_to_num(made(recipe)), recipe.fs
    else:
        mv, fs = of_mitdb(name)
    return capture(VirtualEcgEdge(mv, fs), file)


@pytest.fixture(scope="module")
def cores(tmp_path_factory: pytest.TempPathFactory) -> Cores:
    return Cores(tmp_path_factory.mktemp("cores"))


@pytest.mark.parametrize("name", [H10, *MITDB, *PLAYED])
def test_events_are_the_same_here_without_simd_and_in_the_browser(
    handset: Handset, cores: Cores, tmp_path: Path, name: str
) -> None:
    file = recorded(name, tmp_path / "played.cap")
    natively = cores.lines(file)
    assert natively.count('"type": "beat"') > 60
    assert cores.lines(file, "without SIMD") == natively
    assert handset.events(handset.open_file(file), within_s=300.0) == natively
