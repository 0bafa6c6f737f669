"""The C project of ``ecgedge-export firmware`` on this machine, on a Cortex-M4F, and as WebAssembly.

The microcontroller is QEMU's board mps2-an386, whose programs read files and write by semihosting;
WebAssembly runs in node.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from machines import REPOSITORY, CannotRunError, program

sys.path.append(str(REPOSITORY / "tests" / "e2e"))
from event_digests import MADE, made

BOARD = Path(__file__).resolve().parent / "board"
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-ffp-contract=off")
CORTEX_M4F = ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard")
SMALL = ("-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections")
ARM = "gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm"  # Debian packages
WASM = "clang lld wasi-libc libclang-rt-14-dev-wasm32 nodejs"
LIMIT_S = 600


@dataclass(frozen=True, slots=True)
class Board:
    """Where the project runs: how it is compiled, and what runs the program on a file of samples."""

    name: str
    compiler: Sequence[str]
    runner: Callable[[Path, Sequence[str]], Sequence[str]]

    def build(self, folder: Path, main: Path | None = None, flags: Sequence[str] = ("-O2",)) -> Path:
        """Compile a project, with another main file than its own if one is given; the program."""
        sources = [p for p in sorted(folder.glob("*.c")) if main is None or p.name != "main.c"]
        target = folder / f"{self.name.replace(' ', '-')}-{(main or Path('main')).stem}"
        command = [
            *self.compiler,
            *STRICT,
            *flags,
            f"-I{folder}",
            *map(str, sources),
            *([str(main)] if main else []),
        ]
        output(*command, "-o", str(target), "-lm")
        return target

    def run(self, built: Path, *arguments: str) -> str:
        """What the program writes."""
        return output(*self.runner(built, arguments))


def output(*command: str) -> str:
    """What a command writes that has to work: a project that does not compile is no reason to skip it."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode:
        raise RuntimeError(f"{shlex.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def here(install: bool) -> Board:
    """This machine."""
    compiler = program(("cc",), "gcc libc6-dev", install)
    return Board("this machine", (compiler,), lambda built, arguments: [str(built), *arguments])


def cortex_m4f(install: bool) -> Board:
    """A microcontroller with a unit for float, none for double."""
    compiler = program(("arm-none-eabi-gcc",), ARM, install)
    qemu = program(("qemu-system-arm",), ARM, install)
    linked = "--specs=rdimon.specs", "-T", str(BOARD / "mps2.ld"), str(BOARD / "start.c")

    def runner(built: Path, arguments: Sequence[str]) -> Sequence[str]:
        said = "".join(f",arg={argument}" for argument in (built.name, *arguments))
        machine = "-M mps2-an386 -cpu cortex-m4 -icount shift=0 -nographic -monitor none -serial none".split()
        return [
            qemu,
            *machine,
            "-semihosting-config",
            f"enable=on,target=native{said}",
            "-kernel",
            str(built),
        ]

    return Board("Cortex-M4F", (compiler, *CORTEX_M4F, *SMALL, *linked), runner)


def webassembly(install: bool) -> Board:
    """A browser's processor."""
    compiler, node = program(("clang",), WASM, install), program(("node",), WASM, install)
    script = str(BOARD / "wasi.mjs")
    return Board(
        "WebAssembly",
        (compiler, "--target=wasm32-wasi"),
        lambda built, arguments: [node, "--no-warnings", script, str(built), *arguments],
    )


BOARDS: dict[str, Callable[[bool], Board]] = {"Cortex-M4F": cortex_m4f, "WebAssembly": webassembly}


class Recorded(NamedTuple):
    """A recording: its name, samples in mV without a gap, and their rate in Hz."""

    name: str
    mv: npt.NDArray[np.float32]
    fs: float


def recordings(names: Sequence[str]) -> Iterator[Recorded]:
    """Recordings that the package makes, the longest stretch of each that has no gap."""
    for name in names:
        recipe = MADE[name]
        mv = made(recipe)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], np.isfinite(mv), [False]]).astype(np.int8)))
        start, end = max(zip(edges[::2], edges[1::2], strict=True), key=lambda edge: edge[1] - edge[0])
        yield Recorded(name, mv[start:end], recipe.fs)


def project(folder: Path, fs: float, *, rhythm: bool = True) -> Path:
    """The C project for a rate, in a new folder."""
    from ecgedge_export.micro.firmware import write_project

    # Without spaces, which part the arguments of a program under semihosting.
    target = folder / f"{fs:g}{'' if rhythm else '-without-rhythm'}"
    write_project(target, fs, rhythm=rhythm)
    return target


def events(board: Board, folder: Path, recording: Recorded) -> list[str]:
    """The lines that the example program writes about a recording."""
    samples = folder / "samples.f32"
    recording.mv.tofile(samples)
    return board.run(board.build(folder), str(samples)).splitlines()


def cost(board: Board, folder: Path, recording: Recorded) -> dict[str, Any]:
    """What a stream takes on the microcontroller: instructions and memory; see ``board/measure.c``."""
    samples = folder / "samples.f32"
    recording.mv.tofile(samples)
    measured = board.build(folder, BOARD / "measure.c")
    found: dict[str, Any] = json.loads(board.run(measured, str(samples), f"{recording.fs:.0f}"))
    return found | sizes(board, folder)


def sizes(board: Board, folder: Path) -> dict[str, int]:
    """Bytes of flash and of memory of a program that is nothing but a stream."""
    bare = board.build(folder, BOARD / "bare.c", ("-O2", "-nostartfiles"))
    size = output("arm-none-eabi-size", str(bare))
    text, data, bss = (int(n) for n in size.splitlines()[1].split()[:3])
    return {"flash_bytes": text + data, "ram_bytes": data + bss}


def check(install: bool, only: str, names: Sequence[str]) -> tuple[int, int]:
    """How many boards say something else than this machine, and how many cannot be had."""
    wrong = skipped = 0
    with tempfile.TemporaryDirectory(prefix="firmware-") as scratch:
        for name, find in BOARDS.items():
            if only not in name:
                continue
            try:
                wrong += _compare(here(install), find(install), Path(scratch), names)
            except CannotRunError as reason:
                skipped += 1
                bar = "=" * 100
                sys.stderr.write(f"{bar}\nSKIPPED: firmware on {name}. {reason}\n{bar}\n")
    return wrong, skipped


def _compare(one: Board, other: Board, scratch: Path, names: Sequence[str]) -> int:
    wrong = 0
    for recording in recordings(names):
        folder = project(scratch, recording.fs)
        wanted, found = (events(board, folder, recording) for board in (one, other))
        same = wanted == found and len(wanted) > 50
        said = "identical" if same else "DIFFERENT"
        sys.stdout.write(f"{'firmware, ' + other.name:45s} {recording.name}: {len(found)} events {said}\n")
        wrong += not same
    return wrong
