"""``manifest.json``: everything about a model folder that is not weights, checked before anything is loaded.

Every file of the folder is listed with its sha256. :meth:`Manifest.verify` reads each file once and returns
the very bytes that it hashed, so that nothing can change between the check and the use. The manifest carries
a digest of its own content: a bad byte in a threshold is found like one in the weights.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ecgedge.artefacts.sealed import FIX, artefact_place, digest, plain
from ecgedge_bridge.errors import ModelError
from ecgedge_bridge.schema import build, parse_json

SCHEMA = 1
MANIFEST_NAME = "manifest.json"
TASKS = ("rhythm", "beats", "gate")
ARTEFACTS = ("tflite", "onnx")

_MAX_MANIFEST_BYTES = 4 << 20
_MAX_FILE_BYTES = 256 << 20
# Plain names only, so that no entry can point outside the folder on any platform.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output: ``dtype`` is ``float32``, or ``int8`` with real = scale * (q - zero_point)."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None = None
    zero_point: int | None = None


@dataclass(frozen=True, slots=True)
class Artefact:
    """One model file, its sha256, and the tensors it must have."""

    file: str
    sha256: str
    input: TensorSpec
    output: TensorSpec


@dataclass(frozen=True, slots=True)
class GoldenFile:
    """The file of golden vectors and its sha256."""

    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Normalisation:
    """How a window is scaled before the model: the name of the method and its constants."""

    kind: str
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A training source with its licence."""

    name: str
    licence: str
    records: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Content of ``manifest.json``, schema version 1.

    Parameters
    ----------
    task : str
        ``rhythm``, ``beats`` or ``gate``.
    fs : float
        The model's own sampling rate in Hz.
    window_s, hop_s, min_window_s : float
        Length of a window, step between windows, and the shortest stretch worth a run, in seconds.
    bandpass_taps : tuple of float
        Symmetric (linear-phase) FIR at ``fs``; empty where the task filters nothing.
    resampler : mapping of str to float
        Design of the polyphase resampler: half-width in zero crossings, Kaiser beta, cutoff.
    normalisation : Normalisation
    classes : tuple of str
        In the order of the logits.
    temperature : float
        Logits are divided by it before the softmax.
    thresholds : mapping of str to float
    training_data : tuple of Dataset
    split_sha256 : str
        Digest of the list of training, validation and test records.
    metrics : mapping
        Nested; ``"command"`` at the top says how they were made.
    commit : str
    versions : mapping of str to str
        Packages that made the artefacts.
    units : str
        Of the input signal: always ``mV``.
    backends : mapping of str to Artefact
        By kind of file: ``tflite``, ``onnx``. Empty only while the folder is being written.
    golden : GoldenFile

    Examples
    --------
    >>> manifest = Manifest.load("models/rhythm")  # doctest: +SKIP
    >>> manifest.classes  # doctest: +SKIP
    ('N', 'A', 'O', '~')
    """

    task: str
    fs: float
    window_s: float
    hop_s: float
    min_window_s: float
    bandpass_taps: tuple[float, ...]
    resampler: Mapping[str, float]
    normalisation: Normalisation
    classes: tuple[str, ...]
    temperature: float
    thresholds: Mapping[str, float]
    training_data: tuple[Dataset, ...]
    split_sha256: str
    metrics: Mapping[str, Any]
    commit: str
    versions: Mapping[str, str]
    units: str = "mV"
    backends: Mapping[str, Artefact] = field(default_factory=dict)
    golden: GoldenFile = GoldenFile("", "")

    @property
    def n_samples(self) -> int:
        """Samples in one window at ``fs``."""
        return round(self.fs * self.window_s)

    @property
    def n_inputs(self) -> int:
        """Values that the network reads: the normalisation's ``waves`` (1), then its ``figures`` (0)."""
        values = self.normalisation.values
        return self.n_samples * int(values.get("waves", 1)) + int(values.get("figures", 0))

    @classmethod
    def load(cls, folder: str | Path) -> Manifest:
        """Read and check ``manifest.json`` in ``folder``; the files it lists are not read yet.

        Raises
        ------
        ModelError
            Missing file, damaged content, unknown schema, missing or unknown key, wrong type, or a value
            without meaning.
        """
        path = Path(folder) / MANIFEST_NAME
        return cls.from_json(_read_bounded(path, _MAX_MANIFEST_BYTES))

    @classmethod
    def from_json(cls, text: str | bytes) -> Manifest:
        """Parse and check a manifest's text; see :meth:`load`."""
        place = artefact_place("manifest")
        raw = parse_json(text, place)
        if raw.get("schema") != SCHEMA:
            raise ModelError(
                f"manifest schema {raw.get('schema')!r} is not {SCHEMA}, the one this version reads: "
                "install the ecgedge version that the model was made for"
            )
        content = {key: value for key, value in raw.items() if key not in ("schema", "digest")}
        manifest = build(cls, content, place)
        if raw.get("digest") != digest(content):
            raise ModelError(f"the manifest was changed after it was written (its digest is wrong): {FIX}")
        _check(manifest)
        return manifest

    def to_json(self) -> str:
        """Return the text of ``manifest.json``, with schema version and digest.

        Raises
        ------
        ModelError
            A value that no loader would accept.
        """
        _check(self)
        content: dict[str, Any] = json.loads(json.dumps(asdict(self), allow_nan=False, default=plain))
        whole = {"schema": SCHEMA, **content, "digest": digest(content)}
        return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"

    def save(self, folder: str | Path) -> Path:
        """Write ``manifest.json`` into ``folder`` and return its path."""
        path = Path(folder) / MANIFEST_NAME
        path.write_text(self.to_json(), encoding="utf-8")
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
        artefact = self.backends[kind]
        return read_verified(folder, artefact.file, artefact.sha256)

    def verify(self, folder: str | Path) -> dict[str, bytes]:
        """Read every listed file once and return the bytes that were hashed, by file name.

        Raises
        ------
        ModelError
            A file is missing or changed; the message names it.
        """
        listed = [(a.file, a.sha256) for a in self.backends.values()]
        listed.append((self.golden.file, self.golden.sha256))
        return {file: read_verified(folder, file, sha256) for file, sha256 in listed}


def read_verified(folder: str | Path, file: str, sha256: str) -> bytes:
    """Read ``file`` in ``folder`` once and return its bytes if they have this sha256.

    Raises
    ------
    ModelError
        Not a plain file name, missing, too large, or another content.
    """
    if not _PLAIN_NAME.fullmatch(file):
        raise ModelError(f"{file!r} is not a plain file name inside the model folder: {FIX}")
    data = _read_bounded(Path(folder) / file, _MAX_FILE_BYTES)
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ModelError(
            f"{file} was changed: sha256 {found[:12]}..., the manifest says {sha256[:12]}...: {FIX}"
        )
    return data


def _read_bounded(path: Path, limit: int) -> bytes:
    if not path.is_file():  # also keeps pipes and devices from being opened
        raise ModelError(f"{path} is missing or not a file: give the path of a whole model folder")
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error}): check its permissions") from error
    if len(data) > limit:
        raise ModelError(f"{path} is larger than {limit} bytes: {FIX}")
    return data


def _check(manifest: Manifest) -> None:
    """Refuse values that have the right type and no meaning."""
    m = manifest
    taps = np.asarray(m.bandpass_taps, np.float64)
    rules = (
        (m.task in TASKS, f"task {m.task!r} is not one of {TASKS}"),
        (m.units == "mV", f"units {m.units!r} are not mV"),
        (m.fs > 0 and m.hop_s > 0, "fs and hop_s must be above 0"),
        (0 < m.min_window_s <= m.window_s, "min_window_s must be above 0 and at most window_s"),
        (m.temperature > 0, "temperature must be above 0"),
        (len(set(m.classes)) == len(m.classes) > 0, "classes must be named and different"),
        (np.allclose(taps, taps[::-1], rtol=1e-9, atol=0), "bandpass_taps are not symmetric"),
        (isinstance(m.metrics.get("command"), str), "metrics lack the command that made them"),
        (bool(m.backends) and m.backends.keys() <= set(ARTEFACTS), f"backends must be some of {ARTEFACTS}"),
    )
    for holds, problem in rules:
        if not holds:
            raise ModelError(f"manifest: {problem}: {FIX}")
    _check_file("golden", m.golden.file, m.golden.sha256)
    for kind, artefact in m.backends.items():
        _check_artefact(manifest, kind, artefact)


def _check_file(where: str, file: str, sha256: str) -> None:
    if not _PLAIN_NAME.fullmatch(file):
        raise ModelError(f"{where}: {file!r} is not a plain file name inside the model folder: {FIX}")
    if not _SHA256.fullmatch(sha256):
        raise ModelError(f"{where}: {sha256!r} is not a sha256 in lower-case hexadecimal: {FIX}")


def _check_artefact(manifest: Manifest, kind: str, artefact: Artefact) -> None:
    _check_file(kind, artefact.file, artefact.sha256)
    for spec in (artefact.input, artefact.output):
        whole = spec.scale is not None and spec.scale > 0 and spec.zero_point is not None
        plain = spec.scale is None and spec.zero_point is None
        if not {"int8": whole, "float32": plain}.get(spec.dtype, False):
            raise ModelError(f"{kind}: {spec.name} is neither plain float32 nor int8 with a scale: {FIX}")
    if artefact.input.shape != (1, 1, manifest.n_inputs):
        raise ModelError(
            f"{kind}: input {artefact.input.shape} is not one window (fs * window_s * waves + figures): {FIX}"
        )
    if artefact.output.shape != (1, len(manifest.classes)):
        raise ModelError(f"{kind}: output {artefact.output.shape} is not one logit for each class: {FIX}")
