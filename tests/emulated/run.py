"""The same on processors that are not here: logits of all runtimes, and the events of whole recordings.

The bundled models say the same as LiteRT here, bit for bit, and both cores find the very events whose digests
are kept in the repository: on a Nehalem (no AVX), a Haswell (AVX2 without VNNI, where saturating int8 kernels
show) and the Cortex-A53 of a Raspberry Pi 3, all under QEMU's user emulation. The C project for firmware says
the same on a Cortex-M4F and as WebAssembly.

Usage: python tests/emulated/run.py [--install] [--require] [--only NAME]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import boards
import numpy as np
import numpy.typing as npt
from machines import MACHINES, REPOSITORY, CannotRunError, Machine

FOLDER = Path(__file__).resolve().parent
MODELS = [REPOSITORY / "edge" / "ecgedge" / "models" / name for name in ("rhythm", "beat_classes")]
DIGESTS = REPOSITORY / "tests" / "e2e" / "event_digests.py"
CORES = ("c", "numpy")
FIRMWARE = ("made/every kind", "made/hum at 200 Hz", "made/fibrillation at 250 Hz")
WINDOWS = 24
LIMIT_S = 900
SKIPPED_BUT_REQUIRED = 77

Logits = Mapping[str, npt.NDArray[np.float32]]


def main(arguments: Sequence[str]) -> int:
    """Compare all processors with this one; 1 if one differs, 0 where one cannot be had unless required."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--install", action="store_true", help="get QEMU and a compiler with apt-get, as root"
    )
    parser.add_argument("--require", action="store_true", help="fail where a processor cannot be emulated")
    parser.add_argument("--only", default="", help="processors with this in their name")
    options = parser.parse_args(arguments)
    skipped = wrong = 0
    with tempfile.TemporaryDirectory(prefix="emulated-") as scratch:
        for name, machine in had(options.install, options.only):
            if isinstance(machine, CannotRunError):
                skipped += 1
                bar = "=" * 100
                sys.stderr.write(f"{bar}\nSKIPPED: an emulated {name}. {machine}\n{bar}\n")
                continue
            package = machine.package(Path(scratch) / name.split()[-1])
            for model in MODELS:
                wanted = logits(Machine("here", [sys.executable]), model)["litert"]
                wrong += report(f"{model.name}, {machine.name}", logits(machine, model, package), wanted)
            wrong += events(machine, package)
    different, missing = boards.check(options.install, options.only, FIRMWARE)
    wrong, skipped = wrong + different, skipped + missing
    return 1 if wrong else SKIPPED_BUT_REQUIRED if skipped and options.require else 0


def had(install: bool, only: str = "") -> Iterator[tuple[str, Machine | CannotRunError]]:
    """Every processor, or why it cannot be had; those with ``only`` in their name."""
    for name, find in MACHINES.items():
        if only in name:
            try:
                yield name, find(install)
            except CannotRunError as reason:
                yield name, reason


def everywhere(model: Path, install: bool) -> Iterator[tuple[str, Logits | CannotRunError]]:
    """What the runtimes say of a model on every processor, this one first, or why that cannot be had."""
    for name, machine in had(install):
        yield name, machine if isinstance(machine, CannotRunError) else logits(machine, model)


def logits(machine: Machine, model: Path, package: Path = REPOSITORY / "edge") -> Logits:
    """What the runtimes say of a model's windows on a processor; the package's own with the core in there."""
    with tempfile.TemporaryDirectory(prefix="emulated-") as scratch:
        inputs, target = Path(scratch) / "windows.npy", Path(scratch) / "logits.npz"
        np.save(inputs, windows(model))
        said = str(model), str(inputs), str(target)
        machine.run(FOLDER / "agree.py", *said, package=package, limit_s=LIMIT_S)
        with np.load(target) as arrays:
            return dict(arrays)


def events(machine: Machine, package: Path) -> int:
    """How many cores find other events on a processor than those whose digests are kept."""
    wrong = 0
    for core in CORES:
        said = machine.run(DIGESTS, "--made", core=core, package=package, limit_s=LIMIT_S).strip()
        sys.stdout.write(f"{'events, ' + machine.name:45s} {core:8s} {said}\n")
        wrong += not said.endswith("different: none")
    return wrong


def windows(model: Path) -> npt.NDArray[np.float32]:
    """The golden inputs of a model, shifted, scaled, turned over and with noise, always the same."""
    from ecgedge.artefacts.golden import load_golden
    from ecgedge.artefacts.manifest import Manifest

    golden = [case.preprocessed for case in load_golden(model, Manifest.load(model))]
    rng = np.random.default_rng(17)
    made = []
    for i in range(WINDOWS):
        window = (
            np.roll(golden[i % len(golden)], rng.integers(3000)) * rng.choice([-1, 1]) * rng.uniform(0.5, 1.5)
        )
        made.append(window + rng.uniform(0, 0.3) * rng.standard_normal(window.size))
    return np.array(made, np.float32)


def report(name: str, found: Logits, wanted: npt.NDArray[np.float32]) -> int:
    """Write a line for each runtime and return how many say something else."""
    wrong = 0
    for runtime, values in found.items():
        same, apart = np.array_equal(values, wanted), float(np.abs(values - wanted).max())
        said = "identical" if same else f"DIFFERENT by up to {apart:.4f}"
        sys.stdout.write(f"{name:45s} {runtime:8s} {len(values)} windows {said}\n")
        wrong += not same
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
