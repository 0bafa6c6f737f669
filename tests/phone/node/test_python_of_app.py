"""The app's Python finds the very events that this machine finds, and every module that is shipped."""

from __future__ import annotations

import ast
import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import event_digests
import numpy as np
import pytest

from ecgedge_bridge.values import SampleBlock

REPOSITORY = Path(__file__).parents[3]
pytestmark = pytest.mark.slow


def test_events_are_the_same_bit_for_bit(in_phone: Any, tmp_path: Path) -> None:
    """Of all recordings at hand; MIT-BIH and a Polar H10 are among them where there are any."""
    shutil.copy(event_digests.__file__, tmp_path)
    names = {}
    for i, (name, blocks) in enumerate(event_digests.recordings()):
        if name.startswith("captures/"):
            file = Path(shutil.copy(event_digests.CAPTURES.parent / name, tmp_path))
        else:
            file = whole(blocks, tmp_path / f"{i}.npy")
        names[file.name] = name
    wanted = json.loads(event_digests.FILE.read_text())
    found = in_phone("digests.py", *names, cwd=tmp_path)
    assert {names[file]: digest for file, digest in found.items()} == {
        name: wanted[name] for name in names.values()
    }


def whole(blocks: Iterable[SampleBlock], file: Path) -> Path:
    """The samples of blocks that follow one another, and their rate beside them."""
    listed = list(blocks)
    mv = np.concatenate([block.samples for block in listed])
    assert listed[-1].sample + len(listed[-1].samples) == len(mv), "blocks with a gap"
    np.save(file, mv)
    file.with_suffix(".fs").write_text(str(listed[0].fs))
    return file


def test_every_module_that_is_shipped_can_be_imported(in_phone: Any, tmp_path: Path) -> None:
    said = in_phone("modules.py", cwd=tmp_path)
    assert said["failed"] == {}
    assert {"asyncio", "numpy", "ecgedge.monitor", "ecgedge_bridge.capture.replay"} <= set(said["found"])
    # The memory of what was imported was given back.
    assert said["bytes_after"] < 0.4 * said["bytes_before"]


# The command line asks for these, never the phone: names of sinks that a person types, and Linux's radio.
NOT_THERE = {"ecgedge.recording", "ecgedge.sinks.outlets.target", "ecgedge_bridge.link.bleak_radio"}


def test_what_shipped_modules_import_in_functions_is_there_too(in_phone: Any, tmp_path: Path) -> None:
    shipped = {name for name in in_phone("modules.py", cwd=tmp_path)["found"] if name.startswith("ecgedge")}
    wanted = {name for module in shipped for name in imports(source(module))}
    assert in_phone("modules.py", *sorted(wanted - NOT_THERE), cwd=tmp_path)["failed"] == {}


def source(module: str) -> Path:
    """Where a module of this repository is."""
    path = REPOSITORY / ("edge" if module.split(".")[0] == "ecgedge" else "firmware_bridge")
    path = path.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def imports(file: Path) -> Iterator[str]:
    """Names of all modules that a file imports anywhere, but for type checkers."""
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
