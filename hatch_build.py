"""Compiles the core into the wheel where there is a C compiler; where there is none, the numpy code runs.

``ECGEDGE_BUILD=c`` fails without a compiler (for wheels that are published), ``ECGEDGE_BUILD=numpy`` does not
look for one.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# One source of truth for the flags: without contraction, every sum is rounded as it is written.
FLAGS = ["-std=c99", "-O3", "-ffp-contract=off", "-fno-fast-math", "-fvisibility=hidden", "-Wall"]
X86_32 = {"i386", "i486", "i586", "i686"}


class CoreBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts ``ecgedge/_core`` into a wheel; an editable install gets it beside its sources."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, or say why not."""
        if self.target_name == "wheel" and version != "editable":
            build_data["force_include"].update(firmware_sources(Path(self.root)))
        wanted = os.environ.get("ECGEDGE_BUILD", "")
        if self.target_name != "wheel" or wanted == "numpy":
            return
        beside = Path(self.root) / "edge" / "ecgedge"
        try:
            built = compiled(Path(self.root), Path(self.root) / "build" / "core")
        except Exception as error:
            if version == "editable":  # one of older sources would run in its place
                for old in beside.glob("_core.*"):
                    old.unlink()
            if wanted == "c":
                raise
            self.app.display_warning(
                f"ecgedge: no C core was compiled ({type(error).__name__}: {error}). The numpy code runs "
                "in its place, with the same results, slower. For the C core, install a C compiler (Debian: "
                "apt-get install gcc libc6-dev python3-dev) and install ecgedge again."
            )
            return
        if version == "editable":
            target = beside / built.name
            target.unlink(missing_ok=True)  # a process that runs keeps the old file
            target.write_bytes(built.read_bytes())
        else:
            build_data["force_include"][str(built)] = f"ecgedge/{built.name}"
        build_data["pure_python"] = False
        build_data["tag"] = f"cp311-abi3-{_platform()}"


def firmware_sources(root: Path) -> dict[str, str]:
    """Files of the core that ``ecgedge-export`` copies, and where the wheel has them."""
    core = root / "edge" / "core"
    return {
        str(path): f"ecgedge_export/micro/core/{path.relative_to(core).as_posix()}"
        for room in ("", "stream", "phone", "link")
        for path in sorted((core / room).glob("*.[ch]"))
    }


def compiled(root: Path, work: Path) -> Path:
    """Compile the core with the compiler that this Python names; the path of the library."""
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    core = root / "edge" / "core"
    sources = sorted(str(p.relative_to(root)) for p in [*core.glob("*.c"), *core.glob("python/*.c")])
    machine = os.environ.get("_PYTHON_HOST_PLATFORM", sysconfig.get_platform()).rsplit("-", 1)[-1]
    flags = [*FLAGS, *(["-msse2", "-mfpmath=sse"] if machine in X86_32 else [])]
    extension = Extension(
        "_core", sources, py_limited_api=True, extra_compile_args=flags,
        depends=sorted(str(p.relative_to(root)) for p in core.rglob("*.h")),
    )  # fmt: skip
    command = build_ext(Distribution({"ext_modules": [extension]}))
    command.build_lib, command.build_temp = str(work), str(work / "objects")
    before = Path.cwd()
    os.chdir(root)  # so that no path of this machine gets into the objects
    try:
        command.ensure_finalized()
        command.run()
    finally:
        os.chdir(before)
    return work / command.get_ext_filename("_core")


def _platform() -> str:
    if sys.platform == "darwin":
        from packaging.tags import sys_tags

        return next(sys_tags()).platform
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")
