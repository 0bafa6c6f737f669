"""The events of recordings as digests: what a change that claims to change nothing is held against.

``python tests/e2e/event_digests.py`` prints what differs from ``event_digests.json``, ``--print`` prints what
was found, ``--write`` takes the events of today as the right ones: for a change that means to change them.
``--made`` leaves out the data sets.

Every digit counts: both cores give the same bits on every processor. Models and recordings whose arithmetic
is the processor's own (waves, words, leads) are not in here.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import ecgedge
from ecgedge_bridge.errors import ConfigError

FILE = Path(__file__).with_suffix(".json")
CAPTURES = Path(__file__).parents[1] / "captures"
RECORDS = ("100", "200", "208", "232")
# What the link says is of the bridge, and has tests of its own.
LINK = {"devicestatus", "linkstate", "note", "framelost", "summary"}
CHUNKS = (130, 997, 36, 1)  # lengths that pieces of a signal are cut to in turn


def recordings(*, made_alone: bool = False) -> Iterator[tuple[str, Iterable[ecgedge.SampleBlock]]]:
    """Names and blocks of all recordings at hand; those of the data sets only where there are any."""
    for file in sorted(CAPTURES.glob("*.cap")):
        yield f"captures/{file.name}", ecgedge.read(file)
    for name, recipe in MADE.items():
        yield name, pieces(made(recipe), recipe.fs)
    if made_alone:
        return
    try:
        from ecgedge_export import data

        h10 = data.find("polar-h10", "polar-h10") / "h10_10min_pvc.csv.gz"
        records = list(data.mitdb(RECORDS))
    except (ImportError, ConfigError):
        return
    yield "polar-h10", ecgedge.read(h10, fs=130.0)
    for record in records:
        yield f"mitdb/{record.id}", pieces(record.mv, record.fs)


class Made(NamedTuple):
    """A recording that the package makes: kinds of rhythm, their seconds and beats a minute; its rate."""

    segments: Sequence[tuple[str, float, float]]
    fs: float
    spoil: Callable[[Any], Any] | None = None


def _holes(mv: Any) -> Any:
    """Missing samples of all lengths, silence, and a lead that is off."""
    for at, n in ((1000, 1), (1600, 2), (2200, 7), (7000, 100)):
        mv[at : at + n] = np.nan
    mv[15_000:16_500] = 0.0
    return mv


def _hum(mv: Any) -> Any:
    """A hum at a third of a QRS on a baseline that wanders, both of exact values: no sine of this machine."""
    wave = np.array([0.0, 0.3, 0.0, -0.3])
    drift = np.abs(np.arange(len(mv)) % 1800 - 900) / 1000
    return mv + np.resize(wave, len(mv)) + drift


MADE = {
    "made/every kind": Made(
        (("sinus", 40, 62), ("af", 50, 105), ("pvc", 50, 72), ("noise", 25, 70)), 130.0, _holes
    ),
    "made/slow at 125 Hz": Made((("sinus", 90, 44),), 125.0),
    "made/fibrillation at 250 Hz": Made((("af", 130, 96),), 250.0),
    "made/extrasystoles at 360 Hz": Made((("pvc", 120, 80),), 360.0),
    "made/hum at 200 Hz": Made((("sinus", 90, 75), ("pvc", 60, 60)), 200.0, _hum),
    "made/upside down at 500 Hz": Made((("sinus", 60, 68), ("af", 60, 120)), 500.0, lambda mv: -0.4 * mv),
    "made/clipped at 512 Hz": Made((("sinus", 70, 90),), 512.0, lambda mv: np.clip(mv, -0.1, 0.45)),
    "made/raw counts at 256 Hz": Made((("sinus", 60, 66),), 256.0, lambda mv: 4000.0 * mv + 1e6),
    "made/noise between at 100 Hz": Made((("sinus", 45, 70), ("noise", 40, 70), ("af", 60, 84)), 100.0),
    "made/five minutes at 128 Hz": Made((("sinus", 320, 58),), 128.0),
}


def made(recipe: Made) -> Any:
    """Its samples, in whole microvolts: what made them may differ in the last digit between processors."""
    from ecgedge.demo.synthetic import Segment, synthesize

    mv = synthesize([Segment(*part) for part in recipe.segments], recipe.fs, seed=5).mv.astype(np.float64)
    mv = np.round(recipe.spoil(mv) if recipe.spoil else mv, 3)
    return mv.astype(np.float32)


def pieces(mv: Any, fs: float) -> Iterator[ecgedge.SampleBlock]:
    """The signal in blocks of changing lengths."""
    at = turn = 0
    while at < len(mv):
        n = CHUNKS[turn % len(CHUNKS)]
        yield ecgedge.SampleBlock(samples=np.asarray(mv[at : at + n], np.float32), fs=fs, sample=at)
        at, turn = at + n, turn + 1


def digest(blocks: Iterable[ecgedge.SampleBlock]) -> dict[str, Any]:
    """How many events of each kind a recording gives, and a digest of all of them."""
    monitor = ecgedge.Monitor()
    kinds: Counter[str] = Counter()
    sha = hashlib.sha256()

    def take(events: Iterable[Any]) -> None:
        for event in events:
            line = event.to_json()
            if line["type"] not in LINK:
                kinds[line["type"]] += 1
                sha.update(json.dumps(line, sort_keys=True).encode() + b"\n")

    for block in blocks:
        take(monitor.feed(block))
    take(monitor.finish())
    return {"events": dict(sorted(kinds.items())), "sha256": sha.hexdigest()}


def main(arguments: list[str]) -> int:
    """Compare, print or write; 1 where something differs."""
    found = {name: digest(blocks) for name, blocks in recordings(made_alone="--made" in arguments)}
    if "--print" in arguments:
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
        return 0
    kept = json.loads(FILE.read_text()) if FILE.is_file() else {}
    if "--write" in arguments:
        FILE.write_text(json.dumps(kept | found, indent=1) + "\n")
        return 0
    differ = [name for name, one in found.items() if kept.get(name) != one]
    sys.stdout.write(f"{len(found)} recordings, different: {', '.join(differ) or 'none'}\n")
    return int(bool(differ))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
