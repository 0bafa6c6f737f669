"""Inference runtimes behind one small protocol, imported only when chosen."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, NamedTuple

from ecgedge.arithmetic.core import core
from ecgedge.artefacts.backends.base import Backend, Logits, Window
from ecgedge.artefacts.manifest import Manifest
from ecgedge_bridge.errors import ConfigError, ModelError

__all__ = ["BACKENDS", "Backend", "Logits", "Window", "installed_backends", "load_backend"]


class _Runtime(NamedTuple):
    """Where a backend lives, which file it reads, and which extra of the package installs it, if any."""

    module: str
    kind: str
    extra: str


class _Chosen(NamedTuple):
    """A runtime, and its module in this package."""

    runtime: _Runtime
    module: Any


# All but tflite give the same logits, bit for bit. "auto" begins with the compiled core, which needs nothing
# else and 14 MB less than LiteRT; where there is only its numpy code, which is slow, it comes last.
_RUNTIMES = {
    "litert": _Runtime("ecgedge.artefacts.backends.litert", "tflite", "litert"),
    "onnx": _Runtime("ecgedge.artefacts.backends.onnx", "onnx", "onnx"),
    "tflite": _Runtime("ecgedge.artefacts.backends.tflite", "tflite", "tflite"),
    "core": _Runtime("ecgedge.artefacts.backends.core", "tflite", ""),
}
BACKENDS = tuple(_RUNTIMES)
AUTO = tuple(sorted(BACKENDS, key=lambda name: (name == "core") != (core is not None)))
"""The order in which ``auto`` tries them."""


def load_backend(folder: str | Path, name: str = "auto", *, manifest: Manifest | None = None) -> Backend:
    """Verify the model file that a runtime needs and load it from the very bytes that were verified.

    Parameters
    ----------
    folder : path
        A model folder.
    name : str
        ``litert``, ``onnx``, ``tflite``, ``core``; ``auto`` takes the compiled core where there is one, else
        the first of the others that is installed and has its file here.
    manifest : Manifest, optional
        The folder's manifest if it is already loaded.

    Returns
    -------
    Backend

    Raises
    ------
    ModelError
        The runtime is not installed, or the folder is damaged.
    ConfigError
        An unknown name.

    Examples
    --------
    >>> backend = load_backend("models/rhythm")  # doctest: +SKIP
    >>> backend.run(window).shape  # doctest: +SKIP
    (4,)
    """
    if name != "auto" and name not in _RUNTIMES:
        raise ConfigError(f"backend {name!r} is unknown: choose auto, {', '.join(BACKENDS)}")
    manifest = manifest or Manifest.load(folder)
    chosen = _choose(name, manifest)
    kind = chosen.runtime.kind
    backend: Backend = chosen.module.open_model(manifest.read(folder, kind), manifest.backends[kind])
    return backend


def installed_backends() -> tuple[str, ...]:
    """Names of the runtimes that can be imported here, in the order of ``auto``; imports each of them."""
    return tuple(name for name in AUTO if _importable(_RUNTIMES[name]) is not None)


def _choose(name: str, manifest: Manifest) -> _Chosen:
    """The runtime and its module: the named one, or the first that works."""
    names = AUTO if name == "auto" else (name,)
    candidates = [_RUNTIMES[n] for n in names if _RUNTIMES[n].kind in manifest.backends]
    if not candidates:
        files = ", ".join(sorted(manifest.backends))
        raise ModelError(
            f"the model has no file for the backend {name}, only {files}: choose another backend"
        )
    for runtime in candidates:
        module = _importable(runtime)
        if module is not None:
            return _Chosen(runtime, module)
    extras = " or ".join(f'pip install "ecgedge[{runtime.extra}]"' for runtime in candidates)
    raise ModelError(f"no inference runtime for the backend {name} can be imported: {extras}")


def _importable(runtime: _Runtime) -> Any:
    """The backend's module, ``None`` where its runtime is missing or broken."""
    try:
        return importlib.import_module(runtime.module)
    except (ImportError, AttributeError):  # AttributeError: tflite-runtime beside numpy 2
        return None
