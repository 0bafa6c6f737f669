"""Another package that tells atrial fibrillation, as a process of its own in the rivals' environment.

OpenECG has a rule, made for ten seconds but asked by its report about a whole recording, and a network: the
report names the rhythm that it finds in most of the samples.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.harness import common

WINDOW_S = 10.0


def openecg(path: str, fs: str, by_network: str) -> dict[str, Any]:
    """What it says of recordings: AF by its rule, in most of the ten seconds, and for the first ones by its
    network."""
    package, deploy = import_module("openecg"), import_module("openecg.deploy")
    rate, few = int(fs), int(by_network)
    with np.load(path) as kept:
        signals = np.split(kept["signal"], np.cumsum(kept["length"])[:-1])
    codec = deploy.OnnxCodec()
    return {
        "rule": [bool(package.is_afib(mv, rate)) for mv in signals],
        "rule_of_10_s": [most(package.is_afib, mv, rate) for mv in signals],
        "network": [called(package.report(mv, fs=rate, model=codec)) for mv in signals[:few]],
        "versions": common.versions(("openecg", "opendsp", "onnxruntime", "numpy")),
    }


def called(report: Any) -> bool:
    """Whether the network calls it AF.

    Raises
    ------
    RuntimeError
        It failed, which the report tells in a flag only.
    """
    if report.rhythm["label"] == "unknown":
        raise RuntimeError(f"OpenECG's network says nothing: {', '.join(report.flags)}")
    return bool(report.rhythm["label"] == "afib")


def most(rule: Any, mv: np.ndarray, fs: int) -> bool:
    """Whether a rule holds in more than half of the ten seconds; a rest counts only where it is alone."""
    n = round(WINDOW_S * fs)
    pieces = [mv[i : i + n] for i in range(0, max(1, len(mv) - n + 1), n)]
    return sum(bool(rule(piece, fs)) for piece in pieces) > len(pieces) / 2


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    common.serve({"openecg": openecg})
