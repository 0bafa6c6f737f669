"""``ecgedge models``: the models in the package, as their manifests describe them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecgedge.cli.options import AsJson

if TYPE_CHECKING:
    from ecgedge.artefacts.manifest import Manifest

__all__ = ["models"]

_LONG = ("by_record", "confusion", "worst", "trained_on")  # tables that only the card has room for


def models(as_json: AsJson = False) -> None:
    """List the models in the package: task, classes, sizes, and how good the INT8 files are."""
    from ecgedge.artefacts.folder import BUNDLED
    from ecgedge.artefacts.manifest import MANIFEST_NAME, Manifest
    from ecgedge.cli.output import print_json

    for path in sorted(BUNDLED.glob(f"*/{MANIFEST_NAME}")):
        entry = _entry(path.parent, Manifest.load(path.parent))
        if as_json:
            print_json(entry)
        else:
            _print(entry)


def _entry(folder: Path, manifest: Manifest) -> dict[str, Any]:
    content = manifest.verify(folder)
    files = {kind: artefact.file for kind, artefact in manifest.backends.items()}
    if manifest.weights:
        files["weights"] = manifest.weights.file
    sizes = {kind: len(content[file]) for kind, file in files.items()}
    return {
        "type": "model",
        "name": folder.name,
        "task": manifest.task,
        "classes": list(manifest.classes),
        "fs": manifest.fs,
        "window_s": manifest.window_s,
        "bytes": sizes,
        "metrics": dict(manifest.metrics),
    }


def _print(entry: dict[str, Any]) -> None:
    classes = f", classes {' '.join(entry['classes'])}" if entry["classes"] else ""
    print(f"{entry['name']}: task {entry['task']}{classes}")
    print(f"  windows of {entry['window_s']:g} s at {entry['fs']:g} Hz")
    print("  files " + ", ".join(f"{kind} {size / 1000:.0f} kB" for kind, size in entry["bytes"].items()))
    report = entry["metrics"].get("int8_litert", entry["metrics"])
    for name, value in _flat({key: value for key, value in report.items() if key not in _LONG}):
        print(f"  {name}: {value:.4g}" if isinstance(value, float) else f"  {name}: {value}")
    print("  the whole report: --json, or CARD.md beside the model")


def _flat(metrics: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Walk nested metrics as dotted names."""
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
