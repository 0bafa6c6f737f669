"""A light package: what importing it pulls in, and that every module of it can be imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "torch",
    "scipy",
    "onnx",
    "onnxruntime",
    "ai_edge_litert",
    "wfdb",
    "pandas",
    "matplotlib",
    "bleak",
    "bumble",
}


@pytest.mark.parametrize(
    "package", ["ecgedge", "ecgedge_bridge", "ecgedge.cli", "ecgedge.demo", "ecgedge.recording"]
)
def test_importing_it_stays_light(package: str) -> None:
    code = f"import sys, {package}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert loaded & HEAVY == set()


def test_every_public_name_is_there() -> None:
    import ecgedge
    import ecgedge_bridge

    for module in (ecgedge, ecgedge_bridge):
        assert len(module.__all__) > 10
        for name in module.__all__:
            assert getattr(module, name) is not None
