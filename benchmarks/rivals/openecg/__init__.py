"""OpenECG: an INT8 codec for ten seconds, a rule for atrial fibrillation, and a network that tells it.

The rule was made for ten seconds, but its report asks it about a whole recording; both are asked here. The
network's report names the rhythm that it finds in most of the samples. Nothing of it needs torch.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any, ClassVar

import numpy as np

from benchmarks.rivals.adapter import Call, Calls, Rival

FS = 500  # Hz, which its networks read
WINDOW_S = 10.0


def encode() -> Call:
    """Its codec on one thread, as all others here; the signal is interpolated to its rate."""
    onnxruntime: Any = import_module("onnxruntime")
    openecg = import_module("openecg")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    # The codec takes no options, and would spread over all cores.
    onnxruntime.InferenceSession = partial(onnxruntime.InferenceSession, sess_options=options)
    codec = openecg.load_codec_onnx()

    def call(mv: Any, fs: float) -> Any:
        at_s = np.arange(round(len(mv) * FS / fs)) / FS
        return openecg.encode(np.interp(at_s, np.arange(len(mv)) / fs, mv), fs=FS, model=codec)

    return call


def rule() -> Call:
    """Its rule on the whole recording."""
    is_afib = import_module("openecg").is_afib
    return lambda mv, fs: bool(is_afib(mv, round(fs)))


def rule_of_10_s() -> Call:
    """Its rule in most of the ten seconds."""
    is_afib = import_module("openecg").is_afib
    return lambda mv, fs: most(is_afib, mv, round(fs))


def most(holds: Any, mv: np.ndarray, fs: int) -> bool:
    """Whether a rule holds in more than half of the ten seconds; a rest counts only where it is alone."""
    n = round(WINDOW_S * fs)
    pieces = [mv[i : i + n] for i in range(0, max(1, len(mv) - n + 1), n)]
    return sum(bool(holds(piece, fs)) for piece in pieces) > len(pieces) / 2


def network() -> Call:
    """Its network."""
    openecg, deploy = import_module("openecg"), import_module("openecg.deploy")
    codec = deploy.OnnxCodec()
    return lambda mv, fs: is_af(openecg.report(mv, fs=round(fs), model=codec))


def is_af(report: Any) -> bool:
    """Whether a report names atrial fibrillation.

    Raises
    ------
    RuntimeError
        The network failed, which the report has in a flag only.
    """
    if report.rhythm["label"] == "unknown":
        raise RuntimeError(f"OpenECG's network names no rhythm: {', '.join(report.flags)}")
    return bool(report.rhythm["label"] == "afib")


class OpenEcg(Rival):
    """A foundation model of the ECG, and what is built on it."""

    imports = ("openecg",)
    windows_only = frozenset({"openecg encode"})
    af_fs = float(FS)
    slow = frozenset({"network"})  # a third of a second for a recording
    titles: ClassVar = {
        "rule": "OpenECG, its rule on the whole recording",
        "rule_of_10_s": "OpenECG, its rule in most of the ten seconds",
        "network": "OpenECG, its network, a fixed fifth",
    }

    def analyses(self) -> Calls:
        """Its codec."""
        return {"openecg encode": encode}

    def af(self) -> Calls:
        """By its rule, and by its network."""
        return {"rule": rule, "rule_of_10_s": rule_of_10_s, "network": network}


RIVAL = OpenEcg()
