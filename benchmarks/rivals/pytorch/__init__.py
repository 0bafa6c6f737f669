"""PyTorch with the float network of the rhythm, as somebody runs it who does not convert it."""

from __future__ import annotations

import tomllib
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.harness.machine import ROOT
from benchmarks.rivals.adapter import Call, Calls, Rival

RECIPE = ROOT / "export" / "ecgedge_export" / "recipes" / "rhythm.toml"


def forward() -> Call:
    """One run of the network for each of its windows; random weights, since they cost the same."""
    torch: Any = import_module("torch")
    net_class = import_module("ecgedge_export.nets").RhythmNet
    made = tomllib.loads(RECIPE.read_text())
    n = round(made["fs"] * made["window_s"])
    torch.set_num_threads(1)
    net = net_class(len(made["classes"]), **made["net"]).eval()

    def call(mv: Any, fs: float) -> None:
        at_s = np.arange(round(len(mv) * made["fs"] / fs)) / made["fs"]
        signal = np.interp(at_s, np.arange(len(mv)) / fs, mv).astype(np.float32)
        windows = np.resize(signal, (max(1, len(signal) // n), 1, 1, n))
        with torch.inference_mode():
            for window in windows:
                net(torch.from_numpy(window))

    return call


class PyTorch(Rival):
    """The development environment has it, since the exporter trains with it."""

    environment = "ours"
    imports = ("torch",)

    def analyses(self) -> Calls:
        """The network alone: no beats, no gate."""
        return {"pytorch, float network alone": forward}


RIVAL = PyTorch()
