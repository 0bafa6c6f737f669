"""``manifest.json``: everything about a model folder that is not weights, checked before anything is loaded.

Every file of the folder is listed with its sha256. :meth:`Manifest.verify` reads each file once and returns
the very bytes that it hashed, so that nothing can change between the check and the use. The manifest carries
a digest of its own content: a bad byte in a threshold is found like one in the weights.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from ecgedge.artefacts.sealed import FIX, artefact_place, digest, plain
from ecgedge_bridge.errors import ModelError
from ecgedge_bridge.schema import Place, build, choice, integer, number, parse_json

SCHEMA = 2
MANIFEST_NAME = "manifest.json"
ARTEFACTS = ("tflite", "onnx")
# What the classes of a task can mean; code asks for the role, never for a class by its name. A task without
# roles names nothing.
ROLES: Mapping[str, tuple[str, ...]] = {
    "rhythm": ("normal", "af", "other", "noise"),
    "beat_classes": ("normal", "supraventricular", "ventricular", "fusion", "unknown"),
    "waves": ("background", "p", "qrs", "t"),
    "tokens": (),
    "leads": ("ii", "v1", "v2", "v3", "v4", "v5", "v6"),
    "gate": (),
    "beats": (),
}
# Tasks with a network; and those with numbers that are few enough for a file of their own.
NETWORKS = frozenset(("rhythm", "beat_classes", "waves", "tokens", "leads"))
WEIGHTS = frozenset(("tokens", "gate", "beats"))
RESAMPLER = frozenset(("half_width_s", "cutoff_hz", "beta"))

_MAX_MANIFEST_BYTES = 4 << 20
_MAX_FILE_BYTES = 256 << 20
# Plain names only, so that no entry can point outside the folder on any platform.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SHA256 = re.compile(r"[0-9a-f]{64}")

# Limits on every number, far beyond what models have and far below what could hurt: a hop of 1e-300 s would
# loop for ever, a window of a week would fill the memory.
Rate = Annotated[float, number(above=1, below=4001)]
Window = Annotated[float, number(above=0.01, below=301)]
Hop = Annotated[float, number(above=0.01, below=3601)]
Size = Annotated[float, number(above=0, below=1e6)]
Share = Annotated[float, number(above=-1e-9, below=1 + 1e-9)]
Tap = Annotated[float, number(above=-1e3, below=1e3)]


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output: ``dtype`` is ``float32``, or ``int8`` with real = scale * (q - zero_point)."""

    name: str
    shape: tuple[Annotated[int, integer(1, 1 << 24)], ...]
    dtype: str
    scale: Size | None = None
    zero_point: Annotated[int, integer(-128, 127)] | None = None


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of the folder and its sha256."""

    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Artefact(ListedFile):
    """One network, and the tensors it must have."""

    input: TensorSpec
    output: TensorSpec


@dataclass(frozen=True, slots=True)
class Normalisation:
    """How a window is scaled before the model: the name of the method and its constants."""

    kind: str
    values: Mapping[str, Size]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A training source with its licence."""

    name: str
    licence: str
    records: Annotated[int, integer(0, 10**9)]
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Content of ``manifest.json``, schema version 2.

    Parameters
    ----------
    task : str
        ``rhythm``, ``beat_classes``, ``waves``, ``tokens``, ``gate`` or ``beats``.
    fs : float
        The model's own sampling rate in Hz.
    window_s, hop_s, min_window_s : float
        Length of a window, step between windows, and the shortest stretch worth a run, in seconds.
    bandpass_taps : tuple of float
        Symmetric (linear-phase) FIR at ``fs``, of odd length.
    resampler : mapping of str to float
        Design of the polyphase resampler: ``half_width_s``, ``cutoff_hz``, ``beta`` (Kaiser).
    normalisation : Normalisation
    classes : tuple of str
        In the order of the logits, of one place after the other where there are several; empty for a task
        that names nothing.
    roles : mapping of str to str
        What each class means, see :data:`ROLES`.
    temperature : float
        Logits are divided by it before the softmax.
    thresholds : mapping of str to float
    training_data : tuple of Dataset
    split_sha256 : str
        Digest of the list of records that validate or test.
    metrics : mapping
        Nested; ``"command"`` at the top is what made them.
    commit : str
    versions : mapping of str to str
        Packages that made the artefacts.
    units : str
        Of the input signal: always ``mV``.
    backends : mapping of str to Artefact
        The network by kind of file: ``tflite``, ``onnx``. Empty for ``gate`` and ``beats``.
    golden : ListedFile, optional
        Golden vectors of the network.
    weights : ListedFile, optional
        Numbers of ``gate`` and ``beats``, and the vocabulary of ``tokens``, as JSON.

    Examples
    --------
    >>> from ecgedge.artefacts.folder import BUNDLED
    >>> manifest = Manifest.load(BUNDLED / "rhythm")
    >>> manifest.classes, manifest.with_role("af")
    (('N', 'A', 'O', '~'), ('A',))
    """

    task: Annotated[str, choice(*ROLES)]
    fs: Rate
    window_s: Window
    hop_s: Hop
    min_window_s: Window
    bandpass_taps: tuple[Tap, ...]
    resampler: Mapping[str, Size]
    normalisation: Normalisation
    classes: tuple[str, ...]
    roles: Mapping[str, str]
    temperature: Annotated[float, number(above=1e-3, below=1e3)]
    thresholds: Mapping[str, Share]
    training_data: tuple[Dataset, ...]
    split_sha256: str
    metrics: Mapping[str, Any]
    commit: str
    versions: Mapping[str, str]
    units: Annotated[str, choice("mV")] = "mV"
    backends: Mapping[str, Artefact] = field(default_factory=dict)
    golden: ListedFile | None = None
    weights: ListedFile | None = None

    @property
    def n_samples(self) -> int:
        """Samples in one window at ``fs``."""
        return round(self.fs * self.window_s)

    @property
    def n_inputs(self) -> int:
        """Values that the network reads: the normalisation's ``waves`` (1), then its ``figures`` (0)."""
        values = self.normalisation.values
        return self.n_samples * int(values.get("waves", 1)) + int(values.get("figures", 0))

    @property
    def n_outputs(self) -> int:
        """Numbers that the network gives: one for each class, at each of the normalisation's ``places``.

        A network that names nothing gives one for each place.
        """
        return max(1, len(self.classes)) * int(self.normalisation.values.get("places", 1))

    def with_role(self, role: str) -> tuple[str, ...]:
        """Classes that have a role, in their order."""
        return tuple(name for name in self.classes if self.roles[name] == role)

    @classmethod
    def load(cls, folder: str | Path) -> Manifest:
        """Read and check ``manifest.json`` in ``folder``; the files it lists are not read yet.

        Raises
        ------
        ModelError
            Missing file, damaged content, unknown schema, missing or unknown key, wrong type, or a value
            without meaning; the message names the file.
        """
        path = Path(folder) / MANIFEST_NAME
        return cls.from_json(_read_bounded(path, _MAX_MANIFEST_BYTES), f"{path}:")

    @classmethod
    def from_json(cls, text: str | bytes, name: str = "manifest") -> Manifest:
        """Parse and check a manifest's text; see :meth:`load`. Errors begin with ``name``."""
        place = artefact_place(name)
        raw = parse_json(text, place)
        if raw.get("schema") != SCHEMA:
            raise ModelError(
                f"{name} schema {raw.get('schema')!r} is not {SCHEMA}, the one this version reads: "
                "install the ecgedge version that the model was made for"
            )
        content = {key: value for key, value in raw.items() if key not in ("schema", "digest")}
        manifest = build(cls, content, place)
        if raw.get("digest") != digest(content):
            place.refuse("was changed after it was written (its digest is wrong)")
        _check(manifest, place)
        return manifest

    def to_json(self) -> str:
        """Return the text of ``manifest.json``, with schema version and digest.

        Raises
        ------
        ModelError
            A value that no loader would accept.
        """
        content: dict[str, Any] = json.loads(json.dumps(asdict(self), allow_nan=False, default=plain))
        whole = {"schema": SCHEMA, **content, "digest": digest(content)}
        text = json.dumps(whole, indent=1, ensure_ascii=False) + "\n"
        Manifest.from_json(text)  # one set of checks, for reading and writing
        return text

    def save(self, folder: str | Path) -> Path:
        """Write ``manifest.json`` into ``folder`` and return its path."""
        from ecgedge_bridge.files import write_atomically  # who only reads needs no temporary files

        path = Path(folder) / MANIFEST_NAME
        write_atomically(path, self.to_json())
        return path

    def read(self, folder: str | Path, kind: str) -> bytes:
        """Return the verified bytes of one model file (``tflite`` or ``onnx``).

        Raises
        ------
        ModelError
            The manifest has no such file, or it is missing or changed.
        """
        if kind not in self.backends:
            raise ModelError(
                f"the model has no {kind} file, only {sorted(self.backends)}: choose another backend"
            )
        return read_verified(folder, self.backends[kind])

    def verify(self, folder: str | Path) -> dict[str, bytes]:
        """Read every listed file once and return the bytes that were hashed, by file name.

        Raises
        ------
        ModelError
            A file is missing or changed; the message names it.
        """
        return {listed.file: read_verified(folder, listed) for listed in self._listed()}

    def _listed(self) -> Iterator[ListedFile]:
        yield from self.backends.values()
        yield from (listed for listed in (self.golden, self.weights) if listed)


def read_verified(folder: str | Path, listed: ListedFile) -> bytes:
    """Read a listed file of ``folder`` once and return its bytes if they have its sha256.

    Raises
    ------
    ModelError
        Not a plain file name, missing, too large, or another content.
    """
    if not _PLAIN_NAME.fullmatch(listed.file):
        raise ModelError(f"{listed.file!r} is not a plain file name inside the model folder: {FIX}")
    path = Path(folder) / listed.file
    data = _read_bounded(path, _MAX_FILE_BYTES)
    found = hashlib.sha256(data).hexdigest()
    if found != listed.sha256:
        raise ModelError(
            f"{path} was changed: sha256 {found[:12]}..., the manifest has {listed.sha256[:12]}...: {FIX}"
        )
    return data


def _read_bounded(path: Path, limit: int) -> bytes:
    if not path.is_file():  # also keeps pipes and devices from being opened
        raise ModelError(f"{path} is missing or not a file: give the path of a whole model folder")
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            # The memory for all that is asked for is taken before a byte is read.
            data = file.read(size + 1) if size <= limit else b""
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error}): check its permissions") from error
    if max(size, len(data)) > limit:
        raise ModelError(f"{path} is larger than {limit} bytes: {FIX}")
    return data


def _check(m: Manifest, place: Place) -> None:
    """Refuse values that have the right type and size, and no meaning together."""
    # An odd number of symmetric taps delays by whole samples, which the filter takes back.
    taps = np.asarray(m.bandpass_taps, np.float64)
    known = ROLES[m.task]
    rules = (
        (m.min_window_s <= m.window_s, "min_window_s must be at most window_s"),
        (len(set(m.classes)) == len(m.classes) > 0 or not known, "classes must be named and different"),
        (m.roles.keys() == set(m.classes), "roles must be given for each class and for nothing else"),
        (set(m.roles.values()) <= set(known), f"roles must be some of {known}"),
        (len(taps) % 2 == 1 and len(taps) < 10_000, "bandpass_taps must be an odd number, below 10,000"),
        (np.allclose(taps, taps[::-1], rtol=1e-9, atol=0), "bandpass_taps are not symmetric"),
        (m.resampler.keys() == RESAMPLER, f"resampler must have {', '.join(sorted(RESAMPLER))}"),
        (m.resampler.get("half_width_s", 0) < 5, "resampler.half_width_s must be below 5"),
        (isinstance(m.metrics.get("command"), str), "metrics lack the command that made them"),
        (m.backends.keys() <= set(ARTEFACTS), f"backends must be some of {ARTEFACTS}"),
        (
            (m.task in NETWORKS) == bool(m.backends) == bool(m.golden),
            "backends and golden belong to a network",
        ),
        ((m.task in WEIGHTS) == bool(m.weights), "weights belong to gate, beats and tokens alone"),
    )
    for holds, problem in rules:
        if not holds:
            place.refuse(f"has a value without meaning: {problem}")
    for listed in m._listed():
        _check_listed(listed, place)
    for kind, artefact in m.backends.items():
        _check_artefact(m, kind, artefact, place)


def _check_listed(listed: ListedFile, place: Place) -> None:
    if not _PLAIN_NAME.fullmatch(listed.file):
        place.refuse(f"lists {listed.file!r}, which is not a plain file name inside the model folder")
    if not _SHA256.fullmatch(listed.sha256):
        place.refuse(f"lists {listed.file}, and {listed.sha256!r} is not a sha256 in lower-case hexadecimal")


def _check_artefact(manifest: Manifest, kind: str, artefact: Artefact, place: Place) -> None:
    for spec in (artefact.input, artefact.output):
        whole = spec.scale is not None and spec.zero_point is not None
        plain = spec.scale is None and spec.zero_point is None
        if not {"int8": whole, "float32": plain}.get(spec.dtype, False):
            place.refuse(f"{kind}: {spec.name} is neither plain float32 nor int8 with a scale")
    if artefact.input.shape != (1, 1, manifest.n_inputs):
        place.refuse(
            f"{kind}: input {artefact.input.shape} is not one window (fs * window_s * waves + figures)"
        )
    if artefact.output.shape != (1, manifest.n_outputs):
        place.refuse(f"{kind}: output {artefact.output.shape} is not one logit for each class (and place)")
