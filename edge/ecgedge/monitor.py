"""The runtime with the bundled models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ecgedge.beat_classes.stage import BeatClassStage, BeatModel
from ecgedge.beats.stage import BeatStage
from ecgedge.gate.model import Gate, GateModel
from ecgedge.gate.stage import QualityStage
from ecgedge.hrv.stage import WINDOW_S, HrvStage
from ecgedge.rhythm.decision import Hysteresis, present
from ecgedge.rhythm.model import BUNDLED, Model
from ecgedge.rhythm.stage import Counts, RhythmStage
from ecgedge.stream.pipeline import Pipeline
from ecgedge_bridge.errors import ModelError

GATE_WINDOW_S = 10.0
# For a model whose manifest says nothing of them
LIMITS = {"conclusive": 0.5, "sure": 0.8, "af_absent": 0.1, "af_present": 0.6}


class Monitor(Pipeline):
    """Turns blocks of samples into beats, quality, rhythm and gaps: pure, synchronous, no clock, no threads.

    The same samples give the same events, however they are cut into blocks.

    Parameters
    ----------
    model : path or Model, optional
        A rhythm model folder; None is the one in the package.
    backend : str
        ``litert``, ``onnx``, ``tflite``, or ``auto`` for the first that is installed.
    fs : float, optional
        Rate that blocks must have, in Hz; None takes the first block's.
    beat_model : path or BeatModel, optional
        A beat-class model folder; None is the one in the package.
    hrv_window_s : float
        Length of the window of :class:`ecgedge.Hrv` events in seconds, 10 to 600; they come every
        minute.
    timer : callable, optional
        A clock in seconds (``time.perf_counter``) to measure stages with, see
        :class:`ecgedge.stream.pipeline.MonitorStats`.

    Raises
    ------
    ModelError
        The model folder is damaged, or no runtime is installed.
    ConfigError
        An impossible rate.
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
        model: str | Path | Model | None = None,
        backend: str = "auto",
        fs: float | None = None,
        *,
        hrv_window_s: float = WINDOW_S,
        timer: Callable[[], float] | None = None,
        beat_model: str | Path | BeatModel | None = None,
    ) -> None:
        namer = beat_model if isinstance(beat_model, BeatModel) else BeatModel.load(beat_model, backend)
        loaded = model if isinstance(model, Model) else Model.load(model, backend)
        m = loaded.manifest
        if m.task != "rhythm":
            raise ModelError(f"the model's task is {m.task!r}: give the folder of a rhythm model")
        if m.fs != namer.manifest.fs:
            raise ModelError(
                f"the rhythm model works at {m.fs:g} Hz, the beat-class model at {namer.manifest.fs:g} Hz: "
                "give two of one rate"
            )
        counts = Counts()
        gate = Gate(GateModel.load(BUNDLED / "gate" / "gate.json"), m.fs)
        limits = {**LIMITS, **m.thresholds}
        self._hysteresis = Hysteresis(limits["conclusive"], limits["sure"])
        self._af_limits = limits["af_absent"], limits["af_present"]
        self._hrv = HrvStage(hrv_window_s)
        stages = (
            BeatClassStage(BeatStage(m.fs), namer),
            QualityStage(gate, m.fs, GATE_WINDOW_S),
            self._hrv,
            RhythmStage(loaded, self._hysteresis, counts),
        )
        super().__init__(stages, m.fs, loaded.front_end, fs_in=fs, timer=timer, counts=counts)

    def af(self, probabilities: Mapping[str, float]) -> bool | None:
        """Atrial fibrillation or not, by the manifest's limits; None where neither is probable enough."""
        return present(probabilities.get("A", 0.0), *self._af_limits)

    def reset(self) -> None:
        """Start afresh: the next block begins a new stream, no label is held."""
        super().reset()
        self._hysteresis.reset()
        self._hrv.reset()
