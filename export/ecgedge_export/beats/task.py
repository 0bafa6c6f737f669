"""The task ``beats``: from recipe to measured folder, figures of what is shipped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ecgedge.beats.detector import find_beats
from ecgedge.beats.net import FS, BeatNet
from ecgedge.whole_recording import detect_beats
from ecgedge_bridge.errors import ConfigError
from ecgedge_export import prepare, splits
from ecgedge_export.beats import scores, training
from ecgedge_export.tasks import Evaluation, Job, Trials

# Kinds of NSTDB and ratios in dB.
NOISE = ("em:6", "em:0", "ma:6", "ma:0", "bw:0")
QUICK_STEPS = 20  # of 14,000: nothing is learnt, everything is run


def make(job: Job) -> str:
    """Train and measure on MIT-BIH DS2; see :class:`ecgedge_export.tasks.Task`."""
    how = training.load_recipe(job.recipe)
    if job.quick:
        how = replace(how, steps=QUICK_STEPS, svdb=0.0, ludb=0.0, self_labelled=0.0)
    net = training.build(how, splits.DS1, job.work, job.log)
    job.log("measuring on MIT-BIH DS2")
    report = scores.report(_detect(net), splits.DS2[:2] if job.quick else splits.DS2)
    del report["cpu_s_per_hour"]  # of this machine, and of the day
    training.save(net, how, job.made, {"command": job.command, "DS2": report})
    return f"{report['150 ms']} on DS2; for more, `ecgedge-export evaluate beats`"


def compare(job: Job, _: Trials) -> object:
    """Refuse: no teacher is known for beats."""
    raise ConfigError(f"{job.recipe} names no teacher: distill a recipe of another task")


def evaluate(how: Evaluation) -> object:
    """Measure the bundled detector on MIT-BIH, as it is and with noise."""
    return scores.table(detect_beats, [scores.condition(text) for text in how.noise or NOISE])


def _detect(net: BeatNet) -> scores.Detect:
    """R peaks as the runtime finds them with this network, which is not in the package yet."""

    def detect(mv: npt.NDArray[np.float32], fs: float) -> npt.NDArray[np.int64]:
        found = find_beats(prepare.filtered(mv, fs, FS), net)
        return np.round(np.array([beat.position for beat in found]) * fs / FS).astype(np.int64)

    return detect
