"""Events as labels at samples, which forms with annotations write: beats, changes of rhythm, noise, notes.

Labels bear PhysioNet's symbols (https://physionet.org/physiotools/wpg/wpg_36.htm): beats N S V F Q, "+" where
the rhythm changes, "~" where noise begins or ends, '"' for a note in words, and "(" p ")" for waves.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ecgedge.events import Beat, Event, Gap, Mark, Note, Quality, Rhythm, Waves
from ecgedge.sinks.sink import Item
from ecgedge.sinks.words import describe, reasons
from ecgedge_bridge.values import Acceleration, SampleBlock

__all__ = ["AF", "Label", "Labels", "rhythm_name"]

AF = "(AFIB"
_SINUS, _SLOW, _FAST, _OTHER = "(N", "(SBR", "(ST", "(O"
_USUAL = (Beat, Rhythm, Quality, Gap, Mark, Note, Waves)  # where nobody says which events are wanted
_SYMBOLS = 'NSVFQ~"+(pt)'
_P, _QRS, _T = range(3)  # the number of a wave, as ecgpuwave writes it


class Label(NamedTuple):
    """A label: where, from PhysioNet's symbols which, and of a stretch where it ends."""

    sample: int
    end_sample: int
    symbol: str
    subtype: int = 0
    num: int = 0
    text: str = ""


class Labels:
    """Labels of a stream, in few bytes each: a day has a hundred thousand beats.

    Parameters
    ----------
    all_events : bool
        Whether to label everything that can be said in words; else what concerns the ECG.

    Examples
    --------
    >>> labels = Labels()
    >>> labels.take(Beat(130, 1.0, None, "V"))
    >>> list(labels)
    [Label(sample=130, end_sample=130, symbol='V', subtype=0, num=0, text='')]
    """

    def __init__(self, *, all_events: bool = False) -> None:
        self._all = all_events
        self._sample, self._end = array("q"), array("q")
        self._what = bytearray()  # index of the symbol, subtype, number
        self._texts: dict[int, str] = {}
        self._rhythm, self._noisy = "", False

    def __len__(self) -> int:
        return len(self._sample)

    def __iter__(self) -> Iterator[Label]:
        """Yield all, in the order of time; those of one sample in the order in which they came."""
        for i in np.argsort(np.array(self._sample, np.int64), kind="stable").tolist():
            symbol, subtype, num = self._what[3 * i : 3 * i + 3]
            yield Label(self._sample[i], self._end[i], _SYMBOLS[symbol], subtype, num, self._texts.get(i, ""))

    def take(self, item: Item) -> None:
        """Take the next item of the stream."""
        match item:
            case SampleBlock() | Acceleration():
                pass
            case Beat():
                self._add(item.sample, item.symbol if item.symbol in ("N", "S", "V", "F") else "Q")
            case Rhythm():
                self._take_rhythm(item)
            case Quality():
                self._take_noise(item.sample, "" if item.accepted else reasons(item))
            case Waves():
                self._take_waves(item)
            case Mark():
                self._add(item.sample, '"', text=f"mark: {item.text}" if item.text else "mark")
            case _ if self._all or isinstance(item, _USUAL):
                self._take_words(item)  # type: ignore[arg-type]

    def _add(
        self,
        sample: int,
        symbol: str,
        *,
        end: int | None = None,
        subtype: int = 0,
        num: int = 0,
        text: str = "",
    ) -> None:
        if text:
            self._texts[len(self._sample)] = text
        # The wfdb package takes every note at sample 0 for one about the file, and drops it.
        self._sample.append(max(sample, 1) if symbol == '"' else sample)
        self._end.append(sample if end is None else end)
        self._what += bytes((_SYMBOLS.index(symbol), subtype, num))

    def _take_rhythm(self, event: Rhythm) -> None:
        """A rhythm holds from the middle of the window that first showed it, the first from its start."""
        name = rhythm_name(event)
        if not name:
            self._take_noise(event.sample, "too noisy to say")
        elif name != self._rhythm:
            at = (event.sample + event.end_sample) // 2 if self._rhythm else event.sample
            self._rhythm = name
            self._add(at, "+", text=name)

    def _take_noise(self, sample: int, why: str) -> None:
        if bool(why) != self._noisy:
            self._noisy = bool(why)
            # Each bit of the subtype is a signal with noise; this is the first and only one.
            self._add(sample, "~", subtype=int(self._noisy), text=why)

    def _take_waves(self, event: Waves) -> None:
        for num, symbol, at in (
            (_P, "(", event.p_onset), (_P, "p", event.p_peak), (_P, ")", event.p_end),
            (_QRS, "(", event.qrs_onset), (_QRS, ")", event.qrs_end),
            (_T, "(", event.t_onset), (_T, "t", event.t_peak), (_T, ")", event.t_end),
        ):  # fmt: skip
            if at is not None:
                self._add(at, symbol, num=num)

    def _take_words(self, event: Event) -> None:
        if isinstance(event, Gap):
            self._rhythm, self._noisy = "", False  # nothing is known behind it
        if words := describe(event):
            self._add(event.sample, '"', end=getattr(event, "end_sample", None), text=words)


def rhythm_name(event: Rhythm) -> str:
    """Return PhysioNet's name of a rhythm, "" for noise.

    ``(ST`` and ``(O`` are not in its list, which has no word for sinus tachycardia and for "another rhythm".
    """
    if event.label == "A":
        return AF
    if event.label == "~":
        return ""
    if event.label == "N" or event.sinus:
        return {"bradycardia": _SLOW, "tachycardia": _FAST}.get(event.rate or "", _SINUS)
    return _OTHER
