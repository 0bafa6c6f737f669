"""A WFDB record with its annotations, which PhysioNet's programs and the wfdb package read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

import numpy as np

from ecgedge.recording.wfdb.annotations import LONGEST_AUX, Annotation, encode_annotations
from ecgedge.recording.wfdb.encode import Scaling, SignalFacts, header_text, scaling_for
from ecgedge.sinks.forms.fresh import FreshFiles
from ecgedge.sinks.forms.whole import WholeFile
from ecgedge.sinks.plain import plain
from ecgedge_bridge.errors import ConfigError

__all__ = ["WfdbRecord"]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST_LEAD = 32


class WfdbRecord(WholeFile):
    """``NAME.hea``, ``NAME.dat`` and, with events, ``NAME.atr``; for parameters see :class:`WholeFile`.

    Missing samples have the format's value for them. The header's time of day is that of this machine's zone
    where the stream's start names one, for headers have no zone; a comment has it in full.
    """

    endings = (".dat", ".atr")

    def _check(self) -> None:
        if not _NAME.fullmatch(self.path.stem):
            raise ConfigError(
                f"{self.path.name}: a WFDB record has letters, digits, _ and - in its name: "
                "choose another file"
            )

    def _write(self, files: FreshFiles) -> None:
        data, notes, header = (self.path.with_suffix(ending) for ending in (".dat", ".atr", ".hea"))
        self._scaling = scaling_for(self.spool.levels())
        total = first = 0
        with files.open(data) as file:
            for place, mv in enumerate(self.spool.filled()):
                counts = self._scaling.counts(mv)
                first = int(counts[0]) if not place else first
                total += int(counts.sum())
                file.write(self._scaling.encode(counts))
        if len(self.labels):
            with files.open(notes) as file:
                file.writelines(encode_annotations(self._annotations(), self.spool.fs))
        lead = " ".join(plain(self.about.channel).split())[:_LONGEST_LEAD] or "ECG"
        facts = SignalFacts(self.spool.end, total, first, lead)
        local = self.start.astimezone() if self.start and self.start.tzinfo else self.start
        text = header_text(
            self.path.stem, self.spool.fs, local, self._scaling, facts, list(self._comments(local))
        )
        with files.open(header) as file:
            file.write(text.encode())

    def told(self) -> tuple[dict[str, object], str]:
        """Say how exactly the signal is held, and how many annotations there are."""
        found = self._scaling
        told: dict[str, object] = {
            "annotations": len(self.labels), "bits": found.bits, "step_uv": found.step_uv,
            "exact": found.exact,
        }  # fmt: skip
        return told, f"{_how_exact(found)}; {len(self.labels):,} annotations"

    def _comments(self, start: datetime | None) -> Iterator[str]:
        from ecgedge import __version__

        yield f"written by ecgedge {__version__}, not a medical device"
        yield _how_exact(self._scaling)
        if start is not None:
            yield f"start: {start.isoformat()}"

    def _annotations(self) -> Iterator[Annotation]:
        for label in self.labels:
            yield Annotation(label.sample, label.symbol, label.subtype, label.num, _aux(label.text))


def _aux(text: str) -> str:
    """Foreign text for one byte a character: readers take these for Latin-1, at most 255."""
    safe = plain(text).encode("latin-1", "backslashreplace").decode("latin-1")
    return safe if len(safe) <= LONGEST_AUX else f"{safe[: LONGEST_AUX - 3]}..."


def _how_exact(scaling: Scaling) -> str:
    step = np.format_float_positional(scaling.step_uv, precision=4, trim="-")
    how = "exact, in steps" if scaling.exact else "off by half a step at most, steps"
    return f"values {how} of {step} uV in {scaling.bits} bits"
