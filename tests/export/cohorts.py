"""Recordings made by a test: beats of several shapes in eight leads."""

from __future__ import annotations

import numpy as np

from ecgedge_export.pretrain.sets import Cohort


def cohort(n: int = 48, seed: int = 0) -> Cohort:
    """Every second recording is an infarction: its T wave points down. Folds 1 to 8 in turn."""
    rng = np.random.default_rng(seed)
    t = np.arange(1000)
    ecg = 0.02 * rng.standard_normal((n, 8, 1000))
    for i in range(n):
        for at in range(int(rng.integers(60)), 1000, int(rng.integers(60, 110))):
            beat = np.exp(-(((t - at) / 2) ** 2)) + (-0.4 if i % 2 else 0.4) * np.exp(
                -(((t - at - 25) / 6) ** 2)
            )
            ecg[i] += rng.uniform(0.5, 1.5, (8, 1)) * beat
    return Cohort(
        ids=tuple(f"{seed}-{i}" for i in range(n)),
        patients=tuple(f"p{seed}-{i}" for i in range(n)),
        folds=np.arange(n) // 2 % 8 + 1,
        ecg=ecg.astype(np.float32),
        age=np.where(np.arange(n) % 5 == 4, np.nan, 40.0 + np.arange(n) % 40).astype(np.float32),
        sex=tuple("MF"[i % 2] for i in range(n)),
        reports=tuple("infarkt" if i % 2 else "sinusrhythmus" for i in range(n)),
        statements=tuple({"IMI": 100.0} if i % 2 else {"NORM": 100.0} for i in range(n)),
    )
