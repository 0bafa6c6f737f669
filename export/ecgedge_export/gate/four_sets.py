"""Windows of four data sets that noise is found in: what is clean, what is noise, which rhythms matter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from ecgedge.gate.model import flat_share
from ecgedge_export import data, prepare, splits
from ecgedge_export.data.split import percent
from ecgedge_export.gate import sets
from ecgedge_export.gate.motion import recordings as moved
from ecgedge_export.gate.sets import GateRecipe, Labelled, Log, Windows
from ecgedge_export.gate.window_cache import cached

WINDOW_S = 20.0
LEVELS_DB = (0.0, -6.0)
MOST_PVC = 4  # of a window, from which it is called so
CINC_PERCENT = 20  # of the recordings that are not noise; of noise all


@dataclass(frozen=True, slots=True)
class Sides:
    """Groups of a set: sinus rhythm, AF, ventricular ectopy, other clean ones, and what is to be refused."""

    sinus: tuple[str, ...]
    noise: tuple[str, ...]
    af: tuple[str, ...] = ()
    pvc: tuple[str, ...] = ()
    other: tuple[str, ...] = ()

    @property
    def clean(self) -> tuple[str, ...]:
        """All that is to be accepted."""
        return (*self.sinus, *self.af, *self.pvc, *self.other)


SETS: Mapping[str, Sides] = {
    "cinc": Sides(("cinc:N",), ("cinc:~",), ("cinc:A",), other=("cinc:O",)),
    "mitdb": Sides(
        ("mitdb:sinus",),
        tuple(f"mitdb:{kind}{db:+.0f}dB" for kind in sets.KINDS for db in LEVELS_DB),
        ("mitdb:af",),
        ("mitdb:pvc",),
        ("mitdb:ectopy",),
    ),
    "motion": Sides(("motion:clean",), ("motion:noisy",)),
    "set-a": Sides(("set-a:acceptable",), ("set-a:unacceptable",)),
}
TITLES = {
    "cinc": "CinC 2017, ~",
    "mitdb": "MIT-BIH with NSTDB, 0 and -6 dB",
    "motion": "motion artefacts, grades 3 and 4",
    "set-a": "CinC 2011 set a",
}


def windows(how: GateRecipe, log: Log, work: Path, few: int | None = None) -> Windows:
    """Windows of the four sets, of 20 s or of what a shorter recording has; kept in ``work``.

    ``few`` is a number of recordings of each, to see that everything works.
    """
    own = replace(how, window_s=WINDOW_S, lengths_s=(WINDOW_S,), noisy_db=LEVELS_DB, mild_db=(), hrv=True)
    ids = splits.DS1[:few]
    readers: dict[str, Callable[[], Windows]] = {
        "cinc": lambda: _cinc(own, few),
        "mitdb": lambda: _mitdb(own, ids),
        **{
            f"mitdb {kind} {db:+.0f} dB": lambda kind=kind, db=db: sets.mixed_windows(  # type: ignore[misc]
                own, ids[::2], (db,), lead=0, kinds=(kind,)
            )
            for kind in sets.KINDS
            for db in LEVELS_DB
        },
        "motion": lambda: sets.motion_windows(own, people=sorted({r.person for r in moved()})[:few]),
        "set-a": lambda: sets.cinc2011_windows(own, ("acceptable", "unacceptable"), few and 10 * few),
    }
    key = few, Path(__file__).read_bytes()
    return sets.read({name: cached(reader, own, key, name, work) for name, reader in readers.items()}, log)


def _cinc(how: GateRecipe, few: int | None) -> Windows:
    """All recordings of noise, and a part of the others, of both splits: no set teaches and tests at once."""
    every = prepare.cinc2017(how.fs)
    keep = [
        label == "~" or percent(f"hrv-1:{i}") < CINC_PERCENT
        for i, label in zip(every.ids, every.labels, strict=True)
    ]
    chosen = every.only(keep)
    rows = [*zip(chosen.ids, chosen.labels, chosen.signals, strict=True)]
    if few:
        rows = [row for label in "NAO~" for row in [r for r in rows if r[1] == label][: 5 * few]]
    return sets.windows_of(how, (_whole(*row) for row in rows))


def _whole(name: str, label: str, signal: prepare.Signal) -> Labelled:
    return Labelled(f"cinc:{data.SAME_RECORDING.get(name, name)}", signal, sets.always(f"cinc:{label}"))


def _mitdb(how: GateRecipe, record_ids: tuple[str, ...]) -> Windows:
    """As recorded; windows with four ventricular beats or more are a group of their own."""
    rows = (
        Labelled(f"mitdb:{r.id}", prepare.filtered(r.mv, r.fs, how.fs), lambda *at, r=r: _with_pvc(r, *at))
        for r in data.mitdb(record_ids)
    )
    return sets.windows_of(how, rows)


def _with_pvc(record: data.Record, start_s: float, end_s: float) -> str | None:
    group = sets.rhythm_group(record, start_s, end_s)
    inside = (record.beats >= start_s * record.fs) & (record.beats < end_s * record.fs)
    many = np.sum(record.symbols[inside] == "V") >= MOST_PVC
    return "mitdb:pvc" if group == "mitdb:ectopy" and many else group


def flat(few: int | None = None) -> dict[str, int]:
    """Recordings of set a whose lead I is flat, by verdict: the gate refuses them without a model."""
    count = {"acceptable": 0, "unacceptable": 0}
    for r in islice((r for r in data.cinc2011() if r.label in count), few and 10 * few):
        x = prepare.filtered(r.mv, r.fs, 100.0)
        count[r.label] += flat_share(x, 100.0) > 0.5
    return count
