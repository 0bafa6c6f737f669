"""The bundle's first page: how to build or port the whole chain, its numbers from the code that has them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from string import Template

from ecgedge.beat_classes import stage as classes
from ecgedge.beat_classes.layout import LONGEST_RR_S
from ecgedge.beats.settings import LATENCY_S
from ecgedge.events import Summary
from ecgedge.gate.features import NAMES
from ecgedge.hrv import by_class, measures
from ecgedge.hrv import stage as hrv
from ecgedge.hrv.cleaning import LONGEST_US
from ecgedge.monitor import Models
from ecgedge.rhythm import stage as rhythm
from ecgedge.stream import intake
from ecgedge.stream.stage import TICK_S
from ecgedge.stream.windowing import REMAINDER_S
from ecgedge_bridge.stream import timeline
from ecgedge_export.ship.native.spoken import MTU

_PROTOCOL = "PROTOCOL.md"


def readme(models: Models, rates: Sequence[float], missing: str = "") -> str:
    """README.md of the bundle; ``missing`` says why there is no ``native/``."""
    template = resources.files("ecgedge_export.ship.native") / "templates" / "README.md"
    numbers = {key: f"{value:g}" for key, value in _numbers(models).items()}
    texts = {
        "rates": " and ".join(f"{fs:g} Hz" for fs in rates),
        "limit": "10^12",
        "missing": f"\n**Here `native/` is left out: {missing}.**\n" if missing else "",
        "timeline": _rules(inspect.cleandoc(timeline.__doc__ or "")),
        "summary": _fields(inspect.getdoc(Summary) or ""),
    }
    return Template(template.read_text(encoding="utf-8")).substitute(numbers, **texts)


def protocol() -> str:
    """PROTOCOL.md: in the wheel inside the bridge's package, in the repository beside it."""
    bridge = Path(str(resources.files("ecgedge_bridge")))
    found = next(place / _PROTOCOL for place in (bridge, bridge.parent) if (place / _PROTOCOL).is_file())
    return found.read_text(encoding="utf-8")


def _numbers(models: Models) -> Mapping[str, float]:
    m = models.rhythm.manifest
    assert intake.LIMIT == 1e12
    return {
        "mtu": MTU,
        "n_features": len(NAMES),
        "tick_s": TICK_S,
        "fs": m.fs,
        "bridged": intake.BRIDGED,
        "bridged_ms": 1000 * intake.BRIDGED_S,
        "between": intake.BETWEEN,
        "beats_latency_s": LATENCY_S,
        "pause_s": LONGEST_RR_S,
        "fibrillation": classes.FIBRILLATION,
        "gate_s": models.gate.window_s,
        "remainder_s": REMAINDER_S,
        "rhythm_s": m.window_s,
        "rhythm_hop_s": m.hop_s,
        "rhythm_first_s": m.min_window_s,
        "rhythm_shortest_s": rhythm.SHORTEST_S,
        "doubtful_s": rhythm.DOUBTFUL_S,
        "doubtful": rhythm.DOUBTFUL,
        "hrv_s": hrv.WINDOW_S,
        "hrv_hop_s": hrv.HOP_S,
        "hrv_shortest_s": hrv.SHORTEST_S,
        "nn_shortest": by_class.SHORTEST_US / 1000,
        "missed": by_class.MISSED,
        "extra": by_class.EXTRA,
        "pair": by_class.PAIR,
        "median_of": by_class.MEDIAN_OF,
        "longest_rr_s": LONGEST_US / 1e6,
        "spectrum_s": measures.SPECTRUM_S,
        "spectrum_usable": measures.SPECTRUM_USABLE,
        "entropy": measures.ENTROPY_LEAST,
    }


def _rules(doc: str) -> str:
    """The theory of operation of a module: what stands between its heading and what is about classes."""
    body = doc.split("-------------------\n", 1)[1]
    return body.split("\n\n:class:", 1)[0].replace(":class:", "").replace("``", "`").strip()


def _fields(doc: str) -> str:
    """Parameters of a numpydoc text as a list."""
    rows: list[list[str]] = []
    for line in doc.split("----------\n", 1)[1].splitlines():
        if line.startswith(" "):
            rows[-1].append(line.strip())
        elif line.strip():
            rows.append([line.strip()])
    return "\n".join(f"* `{name.split(' :')[0]}`: {' '.join(words)}" for name, *words in rows)
