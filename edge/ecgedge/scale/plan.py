"""What holds for all recordings of a run, as it travels to the workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ecgedge.artefacts.folder import BUNDLED
from ecgedge.monitor import Models, Monitor
from ecgedge.rhythm.wearer import Sex, Wearer

__all__ = ["Options", "Plan", "make_plan"]


@dataclass(frozen=True, slots=True)
class Options:
    """Options of ``ecgedge replay`` that a batch has too; None where each file says it itself."""

    fs: float | None = None
    channel: str | None = None
    unit: str | None = None
    backend: str = "auto"
    model: str | None = None
    waves: bool = False
    tokens: bool = False
    age: float | None = None
    sex: Sex | None = None

    def models(self) -> Models:
        """Load the models once for this process and share them."""
        return _models(self.backend, self.model, self.waves, self.tokens)

    def monitor(self) -> Monitor:
        """Make the monitor of one recording.

        Examples
        --------
        >>> [stage.name for stage in Options(waves=True).monitor().stages][-1]
        'waves'
        """
        wearer = None if self.age is None else Wearer(self.age, self.sex)
        return Monitor(self.models(), waves=self.waves, tokens=self.tokens, wearer=wearer)


@dataclass(frozen=True, slots=True)
class Plan:
    """A run, the same for every worker.

    Parameters
    ----------
    out : str
        Absolute path of the folder of results, which all machines share.
    options : Options
    package : str
        Version of this package; a worker with another one refuses to work.
    models : mapping of str to str
        Digests of the models, by task; a worker with others refuses too.
    most_bytes : int
        Of one remote recording, with all of its files.
    """

    out: str
    options: Options
    package: str
    models: Mapping[str, str] = field(default_factory=dict)
    most_bytes: int = 4 << 30

    def key(self) -> dict[str, Any]:
        """Return what results depend on besides the recording: the same key and file, the same results."""
        return {
            "package": self.package,
            "models": dict(self.models),
            "options": {k: v for k, v in asdict(self.options).items() if k != "model"},
        }


def make_plan(out: Path, options: Options, most_bytes: int) -> Plan:
    """Load the models, and write down which they are.

    Raises
    ------
    ModelError
        A model folder is damaged, or no runtime is installed.
    """
    from ecgedge import __version__

    return Plan(str(out.absolute()), options, __version__, options.models().digests(), most_bytes)


@lru_cache(maxsize=2)
def _models(backend: str, rhythm: str | None, waves: bool, tokens: bool) -> Models:
    # By its folder, a model is loaded with the others; else each monitor would load one of its own.
    return Models.load(
        backend,
        rhythm=rhythm,
        waves=BUNDLED / "waves" if waves else None,
        tokens=BUNDLED / "tokens" if tokens else None,
    )
