"""The assembly: models loaded once, the stages made of them, and a monitor that runs the stages."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from ecgedge.beat_classes.model import BeatClassModel
from ecgedge.beat_classes.stage import BeatClassStage
from ecgedge.beats.net import BeatNet
from ecgedge.beats.stage import BeatStage
from ecgedge.gate.model import GateModel
from ecgedge.gate.stage import QualityStage
from ecgedge.hrv.stage import WINDOW_S, HrvStage
from ecgedge.rhythm.decision import AF_WHOLE_S
from ecgedge.rhythm.model import RhythmModel
from ecgedge.rhythm.stage import RhythmStage
from ecgedge.rhythm.wearer import Wearer
from ecgedge.stream.pipeline import Pipeline
from ecgedge.stream.stage import Stage
from ecgedge_bridge.errors import ModelError

# Few monitors are asked for waves or words: what finds them is imported when one is.
if TYPE_CHECKING:
    from ecgedge.tokens.model import WordModel
    from ecgedge.waves.model import WaveModel


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a monitor; any number of monitors may share them.

    Parameters
    ----------
    rhythm : RhythmModel
    beat_classes : BeatClassModel
    gate : GateModel
    beats : BeatNet
    waves : WaveModel, optional
        For a monitor that is asked for waves; None: the one in the package is loaded then.
    tokens : WordModel, optional
        The same for words.

    Raises
    ------
    ModelError
        They do not work at one rate, or behind the same filters.

    Examples
    --------
    >>> from dataclasses import replace
    >>> models = Models.load()
    >>> monitor = Monitor(replace(models, gate=replace(models.gate, threshold=0.1)))  # a lenient gate
    """

    rhythm: RhythmModel
    beat_classes: BeatClassModel
    gate: GateModel
    beats: BeatNet
    waves: WaveModel | None = None
    tokens: WordModel | None = None

    def __post_init__(self) -> None:
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        fronts = {name: model.front_end for name, model in given.items() if model is not None}
        rates = ", ".join(f"{name} at {front.fs:g} Hz" for name, front in fronts.items())
        if len({front.fs for front in fronts.values()}) > 1:
            raise ModelError(f"the models work at different rates ({rates}): give models of one rate")
        odd = [name for name, front in fronts.items() if not front.agrees(self.rhythm.front_end)]
        if odd:
            raise ModelError(
                f"the models for {', '.join(odd)} were trained behind other filters than the rhythm model: "
                "give models that were made together"
            )

    @classmethod
    def load(
        cls,
        backend: str = "auto",
        rhythm: str | Path | RhythmModel | None = None,
        beat_classes: str | Path | BeatClassModel | None = None,
        gate: str | Path | GateModel | None = None,
        beats: str | Path | BeatNet | None = None,
        waves: str | Path | WaveModel | None = None,
        tokens: str | Path | WordModel | None = None,
    ) -> Models:
        """Load models, each from a folder; None is the one in the package, a loaded one is taken as it is.

        Parameters
        ----------
        backend : str
            ``core``, ``litert``, ``onnx``, ``tflite``, or ``auto`` for the first that is installed.
        rhythm, beat_classes, gate, beats : path or loaded model, optional
        waves, tokens : path or loaded model, optional
            None loads none: only a monitor that is asked for waves or words needs one.

        Raises
        ------
        ModelError
            A folder is damaged or of another task, no runtime is installed, or the rates differ.
        """
        return cls(
            rhythm if isinstance(rhythm, RhythmModel) else RhythmModel.load(rhythm, backend),
            beat_classes
            if isinstance(beat_classes, BeatClassModel)
            else BeatClassModel.load(beat_classes, backend),
            gate if isinstance(gate, GateModel) else GateModel.load(gate),
            beats if isinstance(beats, BeatNet) else BeatNet.load(beats),
            None if waves is None else _wave_model(waves, backend),
            None if tokens is None else _word_model(tokens, backend),
        )

    def digests(self) -> dict[str, str]:
        """Sha256 of each model's weights, thresholds and temperature: the same ones find the same events.

        Examples
        --------
        >>> sorted(Models.load().digests())
        ['beat_classes', 'beats', 'gate', 'rhythm']
        """
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: _digest(model) for name, model in given.items() if model is not None}


def _digest(model: RhythmModel | BeatClassModel | WaveModel | GateModel | BeatNet) -> str:
    if isinstance(model, GateModel | BeatNet):
        weights, settings = model.encoded(), model.thresholds
    else:
        weights = model.backend.artefact.sha256.encode()
        settings = {**model.manifest.thresholds, "temperature": model.manifest.temperature}
    return hashlib.sha256(weights + json.dumps(settings, sort_keys=True).encode()).hexdigest()


def default_stages(
    models: Models,
    *,
    hrv_window_s: float = WINDOW_S,
    waves: bool = False,
    tokens: bool = False,
    wearer: Wearer | None = None,
) -> tuple[Stage, ...]:
    """Make the stages of a monitor, in their order.

    Parameters
    ----------
    models : Models
    hrv_window_s : float
        Length of the window of :class:`ecgedge.Hrv` events in seconds, 10 to 600; they come every minute.
    waves : bool
        Whether P, QRS and T of each beat are found too, for :class:`ecgedge.Waves` and
        :class:`ecgedge.Intervals` events.
    wearer : Wearer, optional
        Whose ECG it is: the odds of atrial fibrillation become those of people of that age and sex. Without
        one, and where the age is not known, they stay the model's own.
    tokens : bool
        Whether each beat becomes a word too, for :class:`ecgedge.Word` events.

    Raises
    ------
    ValueError
        ``hrv_window_s`` is too short or too long.
    TypeError
        ``wearer`` is no :class:`ecgedge.Wearer`.

    Examples
    --------
    >>> [stage.name for stage in default_stages(Models.load())]
    ['beats', 'beat classes', 'gate', 'hrv', 'rhythm']
    """
    stages = (
        BeatStage(models.beats, events=False),
        BeatClassStage(models.beat_classes),
        QualityStage(models.gate),
        HrvStage(hrv_window_s, by_class=True),
        RhythmStage(models.rhythm, by_class=True, wearer=wearer),
    )
    backend, also = models.rhythm.backend.name, list[Stage]()
    if waves:
        from ecgedge.waves.stage import WaveStage

        also.append(WaveStage(_wave_model(models.waves, backend), by_class=True))
    if tokens:
        from ecgedge.tokens.stage import WordStage

        also.append(WordStage(_word_model(models.tokens, backend)))
    return (*stages, *also)


def _wave_model(given: str | Path | WaveModel | None, backend: str) -> WaveModel:
    from ecgedge.waves.model import WaveModel

    return given if isinstance(given, WaveModel) else WaveModel.load(given, backend)


def _word_model(given: str | Path | WordModel | None, backend: str) -> WordModel:
    from ecgedge.tokens.model import WordModel

    return given if isinstance(given, WordModel) else WordModel.load(given, backend)


class Monitor(Pipeline):
    """Turns blocks of samples into beats, quality, rhythm and gaps: pure, synchronous, no clock, no threads.

    The same samples give the same events, however they are cut into blocks.

    Parameters
    ----------
    models : Models, optional
        None loads those in the package.
    backend : str
        For models in the package: ``core``, ``litert``, ``onnx``, ``tflite``, or ``auto`` for the first that
        is installed.
    fs : float, optional
        Rate that blocks must have, in Hz; None takes the first block's.
    stages : sequence of Stage, optional
        Others than :func:`default_stages` makes of the models.
    hrv_window_s, waves, tokens, wearer : float, bool, bool, Wearer
        See :func:`default_stages`.
    timer : callable, optional
        A clock in seconds (``time.perf_counter``) to measure stages with, see
        :class:`ecgedge.stream.stats.MonitorStats`.

    Raises
    ------
    ModelError
        A model folder is damaged, or no runtime is installed.
    ConfigError
        An impossible rate, or stages that do not fit together.
    ValueError
        ``hrv_window_s`` is too short or too long.

    Examples
    --------
    >>> import numpy as np
    >>> import ecgedge
    >>> monitor = ecgedge.Monitor()
    >>> flat = ecgedge.SampleBlock(samples=np.zeros(1500, np.float32), fs=130.0)
    >>> events = monitor.feed(flat) + monitor.finish()
    >>> events[0].accepted, events[0].reasons
    (False, ('flat',))
    """

    def __init__(
        self,
        models: Models | None = None,
        backend: str = "auto",
        fs: float | None = None,
        *,
        stages: Sequence[Stage] | None = None,
        hrv_window_s: float = WINDOW_S,
        waves: bool = False,
        wearer: Wearer | None = None,
        tokens: bool = False,
        timer: Callable[[], float] | None = None,
    ) -> None:
        self.models = models or Models.load(backend)
        rhythm = self.models.rhythm
        super().__init__(
            default_stages(self.models, hrv_window_s=hrv_window_s, waves=waves, tokens=tokens, wearer=wearer)
            if stages is None
            else stages,
            rhythm.manifest.fs,
            rhythm.front_end,
            fs_in=fs,
            timer=timer,
        )

    def af(self, probabilities: Mapping[str, float], seconds: float = AF_WHOLE_S) -> bool | None:
        """Atrial fibrillation or not, by the manifest's limits for a stretch of so many seconds.

        None where neither is probable enough, below 10 s, and for a model that has no class for it.
        """
        return self.models.rhythm.af(probabilities, seconds)
