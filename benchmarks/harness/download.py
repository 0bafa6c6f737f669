"""What an installation downloads: the wheels that the package index has for this machine; none is fetched."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.harness import processes, venvs
from benchmarks.harness.machine import ROOT
from benchmarks.harness.not_measured import NotMeasuredError
from benchmarks.harness.weight import packaging

UV = Path(__file__).parent / "requirements-uv.txt"
# uv asks the index about a hundred packages in seconds; minutes mean that there is no network.
_LIMIT_S = 300


def wheel_bytes(requirements: str) -> dict[str, int]:
    """Bytes of each wheel that requirements, one a line, would bring.

    Raises
    ------
    NotMeasuredError
        There is no network, no resolver, or no wheel of something for this machine.
    """
    uv = venvs.python_with(UV).parent / "uv"
    with TemporaryDirectory() as folder:
        asked, answer = Path(folder) / "asked.in", Path(folder) / "pylock.toml"
        asked.write_text(requirements + "\n")
        command = [uv, "pip", "compile", "--quiet", "--only-binary", ":all:", "--python", sys.executable]
        command += ["--format", "pylock.toml", "--output-file", answer, asked]
        processes.run(command, os.environ, _LIMIT_S)
        locked = tomllib.loads(answer.read_text())
    tags = list(packaging("tags").sys_tags())
    ranks = {str(tag): rank for rank, tag in reversed(list(enumerate(tags)))}
    return {package["name"]: chosen_bytes(package, ranks) for package in locked["packages"]}


def chosen_bytes(package: Mapping[str, Any], ranks: Mapping[str, int]) -> int:
    """Size of the wheel that an installer would choose: that whose tag has the lowest rank.

    Raises
    ------
    NotMeasuredError
        There is none that fits, or its size is not known.
    """
    sizes = [
        (min(ranks[tag] for tag in tags if tag in ranks), wheel["size"])
        for wheel in package.get("wheels", [])
        if "size" in wheel and (tags := _tags(wheel["url"])) & ranks.keys()
    ]
    if not sizes:
        raise NotMeasuredError(f"the index gives no size for a wheel of {package['name']} for this machine")
    return int(min(sizes)[1])


def _tags(url: str) -> set[str]:
    return {str(tag) for tag in packaging("utils").parse_wheel_filename(url.rsplit("/", 1)[1])[3]}


def base_requirements() -> str:
    """What the base install of this package asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return "\n".join(project["dependencies"])
