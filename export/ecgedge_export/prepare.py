"""Recordings as the runtime would filter them: through the very front end that runs live."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.signal import resample_poly

from ecgedge.stream.filters import FrontEnd
from ecgedge_bridge.files import atomic_file
from ecgedge_export import data
from ecgedge_export.archives import npz

Signal = npt.NDArray[np.float32]
NOISES = ("bw", "em", "ma")  # baseline wander, electrode motion, muscle


@dataclass(frozen=True, slots=True)
class Prepared:
    """Filtered recordings of one data set at one rate.

    ``signals[i]`` is float32 in mV, with its ``labels[i]`` and ``ids[i]``.
    """

    ids: list[str]
    labels: list[str]
    signals: list[Signal]

    def only(self, keep: list[bool]) -> Prepared:
        """Return the recordings marked True."""
        chosen = [i for i, k in enumerate(keep) if k]
        return Prepared(
            [self.ids[i] for i in chosen],
            [self.labels[i] for i in chosen],
            [self.signals[i] for i in chosen],
        )

    def joined(self, others: Prepared) -> Prepared:
        """Return these recordings and others behind them."""
        return Prepared(self.ids + others.ids, self.labels + others.labels, self.signals + others.signals)


def filtered(mv: npt.NDArray[np.floating], fs_in: float, fs: float) -> Signal:
    """Pass a whole recording through the runtime's front end, samples that are not finite as zeros."""
    chain = FrontEnd.default(fs)(fs_in)
    finite = np.nan_to_num(mv, nan=0.0, posinf=0.0, neginf=0.0)
    return np.concatenate([chain.feed(finite), chain.finish()]).astype(np.float32)


def cinc2017(fs: float) -> Prepared:
    """CinC 2017 at ``fs``, filtered once and kept in the cache."""
    path = data.cache_dir() / "prepared" / f"cinc2017-{front_end_hash(fs)}.npz"
    if not path.is_file():
        records = list(data.cinc2017())
        _save(path, [r.id for r in records], [r.label for r in records],
              [filtered(r.mv, r.fs, fs) for r in records])  # fmt: skip
    with npz(path, "delete it, it is made again") as z:
        signals = np.split(z["signal"], np.cumsum(z["length"])[:-1])
        return Prepared(z["id"].tolist(), z["label"].tolist(), signals)


def nstdb(fs: float, lead: int = 0) -> dict[str, Signal]:
    """The three noise recordings (bw, em, ma) to train with.

    Of the first lead, the first half: the second tests. Of the second lead, all: it never tests.
    """
    records = data.nstdb(NOISES)
    return {r.id: filtered(r.lead(lead)[: r.n_samples // (1 if lead else 2)], r.fs, fs) for r in records}


def held_out_noise(fs: float) -> dict[str, Signal]:
    """The three noise recordings to test with: the second half of the first lead, at ``fs``, not filtered."""
    return {
        r.id: resample_poly(r.mv[r.n_samples // 2 :], round(fs), round(r.fs)).astype(np.float32)
        for r in data.nstdb(NOISES)
    }


def mix(mv: Signal, noise: Signal, snr_db: float) -> Signal:
    """Add noise, repeated as needed, at a ratio of the powers over the whole signal, means apart."""
    repeated = np.resize(noise, len(mv)).astype(np.float64)
    ratio = mv.astype(np.float64).var() / repeated.var() * 10 ** (-snr_db / 10)
    return np.asarray(mv + np.sqrt(ratio) * repeated, np.float32)


def front_end_hash(fs: float) -> str:
    """Name of the filtering, from its impulse response: a changed filter never meets an old cache."""
    probe = filtered(np.eye(1, 900, 300)[0], 300.0, fs)
    return hashlib.sha256(json.dumps([fs, probe.tolist()]).encode()).hexdigest()[:12]


def _save(path: Path, ids: list[str], labels: list[str], signals: list[Signal]) -> None:
    with atomic_file(path) as file:
        np.savez(
            file,
            id=np.array(ids),
            label=np.array(labels),
            length=np.array([len(s) for s in signals]),
            signal=np.concatenate(signals),
        )
