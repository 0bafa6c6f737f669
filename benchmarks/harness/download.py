"""What an installation downloads: the wheels that the package index has for this machine; none is fetched."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.harness import common
from benchmarks.harness.common import NotMeasuredError
from benchmarks.harness.weight import packaging

_LIMIT_S = 300


def wheel_bytes(requirements: str) -> dict[str, int]:
    """Bytes of each wheel that requirements, one a line, would bring.

    Raises
    ------
    NotMeasuredError
        There is no network, no resolver, or no wheel of something for this machine.
    """
    uv = common.rival_python(common.UV).parent / "uv"
    with TemporaryDirectory() as folder:
        asked, answer = Path(folder) / "asked.in", Path(folder) / "pylock.toml"
        asked.write_text(requirements + "\n")
        command = [uv, "pip", "compile", "--quiet", "--only-binary", ":all:", "--python", sys.executable]
        command += ["--format", "pylock.toml", "--output-file", answer, asked]
        common.run(command, os.environ, _LIMIT_S)
        locked = tomllib.loads(answer.read_text())
    return {package["name"]: _bytes(package) for package in locked["packages"]}


def _bytes(package: Mapping[str, Any]) -> int:
    """Size of the wheel that an installer would choose here."""
    rank = _ranks()
    sizes = [
        (min(rank[tag] for tag in tags if tag in rank), wheel["size"])
        for wheel in package.get("wheels", [])
        if "size" in wheel and (tags := _tags(wheel["url"])) & rank.keys()
    ]
    if not sizes:
        raise NotMeasuredError(f"the index gives no size for a wheel of {package['name']} for this machine")
    return int(min(sizes)[1])


def _ranks() -> dict[str, int]:
    """Tags of wheels that can be installed here, the best first."""
    tags = list(packaging("tags").sys_tags())
    return {str(tag): rank for rank, tag in reversed(list(enumerate(tags)))}


def _tags(url: str) -> set[str]:
    return {str(tag) for tag in packaging("utils").parse_wheel_filename(url.rsplit("/", 1)[1])[3]}


def base_requirements() -> str:
    """What the base install of this package asks for."""
    project = tomllib.loads((common.ROOT / "pyproject.toml").read_text())["project"]
    return "\n".join(project["dependencies"])


if __name__ == "__main__":
    print(json.dumps(wheel_bytes(sys.argv[1] if len(sys.argv) > 1 else base_requirements()), indent=2))
