"""Whole recordings as words, and back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache

import numpy as np
import numpy.typing as npt

from ecgedge.beats.detector import bundled_net
from ecgedge.beats.stage import BeatStage
from ecgedge.events import Word
from ecgedge.stream.pipeline import FS_RANGE, Pipeline
from ecgedge.stream.whole import Recorded, as_block, run_whole
from ecgedge.tokens.decoder import Fidelity, waveform
from ecgedge.tokens.features import FS
from ecgedge.tokens.model import WordModel
from ecgedge.tokens.sentence import Sentence
from ecgedge.tokens.stage import WordStage
from ecgedge_bridge.errors import ConfigError, ModelError

LEAD_I = "CinC 2017 validation"
"""What the stated error was measured on, of the sets that the manifest reports: one lead of a wearable."""


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """A waveform made of words: an approximation. All helpers take it, as they take a recording.

    Parameters
    ----------
    mv : ndarray of float32, shape (n,)
        In mV, NaN in gaps and where no word reaches.
    fs : float
        Rate in Hz.
    start : datetime or None
        Of the first sample.
    fidelity : Fidelity
        What was measured of this model, on other people: nobody knows the error of this very waveform.
    """

    mv: npt.NDArray[np.float32]
    fs: float
    start: datetime | None
    fidelity: Fidelity


def encode(
    mv: npt.ArrayLike | Recorded,
    fs: float | None = None,
    *,
    model: WordModel | None = None,
    start: datetime | None = None,
) -> Sentence:
    """Make a word of each beat.

    Parameters
    ----------
    mv : array, shape (n,), or Recording
        Signal in mV, NaN where samples are missing; or what :func:`ecgedge.load` gives.
    fs : float
        Rate in Hz, 50 to 4000; a Recording has its own.
    model : WordModel, optional
        Another one than that in the package.
    start : datetime, optional
        Of the first sample; without a zone it counts as UTC.

    Raises
    ------
    ConfigError
        An impossible rate.
    ValueError, TypeError
        ``mv`` is no one-dimensional array of numbers.

    Examples
    --------
    >>> from ecgedge.demo.synthetic import Segment, synthesize
    >>> mv = synthesize([Segment("sinus", 60.0, 70.0)], 130.0, seed=1).mv
    >>> sentence = encode(mv, 130.0)
    >>> len(sentence), len(sentence.to_bytes())
    (70, 228)
    """
    model = model or bundled()
    block = as_block(mv, fs)
    net = bundled_net()
    stages = BeatStage(net, events=False), WordStage(model)
    events = run_whole(Pipeline(stages, net.fs, net.front_end), block)
    words = [event for event in events if isinstance(event, Word)]
    return Sentence.of(words, len(block.samples) / block.fs, model.id, start)


def decode(sentence: Sentence, fs: float = FS, *, model: WordModel | None = None) -> Decoded:
    """Make a waveform of words.

    Parameters
    ----------
    sentence : Sentence
    fs : float
        Rate of the waveform in Hz, 50 to 4000; there is nothing above 41 Hz in it.
    model : WordModel, optional
        The one that the words were made with, where it is not that in the package.

    Raises
    ------
    ModelError
        The words were made with another vocabulary.
    ConfigError
        An impossible rate.
    ValueError
        The waveform would have more than 2 GiB.

    Examples
    --------
    >>> from ecgedge.demo.synthetic import Segment, synthesize
    >>> mv = synthesize([Segment("sinus", 60.0, 70.0)], 130.0, seed=1).mv
    >>> decoded = decode(encode(mv, 130.0), 130.0)
    >>> len(decoded.mv) == len(mv), decoded.fidelity.prd > 0
    (True, True)
    """
    model = model or bundled()
    checked(sentence, model)
    if not FS_RANGE[0] <= fs <= FS_RANGE[1]:
        raise ConfigError(f"fs is {fs:g} Hz: choose a rate from {FS_RANGE[0]:g} to {FS_RANGE[1]:g} Hz")
    mv = waveform(sentence, model.vocabulary, fs)
    return Decoded(mv, float(fs), sentence.start, stated(model))


def checked(sentence: Sentence, model: WordModel) -> Sentence:
    """Return a sentence that a model can decode.

    Raises
    ------
    ModelError
        The words were made with another vocabulary.
    """
    if sentence.model != model.id:
        raise ModelError(
            f"these words are of the vocabulary {sentence.model}, the model at hand has {model.id}: "
            "give the model folder that they were made with"
        )
    return sentence


def stated(model: WordModel) -> Fidelity:
    """The error that a model's manifest states.

    Raises
    ------
    ModelError
        It states none.
    """
    try:
        report = model.manifest.metrics["telemetry"][LEAD_I]
        return Fidelity(*(float(report[key]) for key in ("prd", "correlation", "rms_mv")))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            "the word model does not state its error: export it again (ecgedge-export train tokens)"
        ) from error


@cache
def bundled() -> WordModel:
    """The model in the package, loaded once."""
    return WordModel.load()
