"""The exporter from any folder, without its extra, and what a release carries for its supply."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from sbom import sbom

ROOT = Path(__file__).parents[2]


def export(cwd: Path, *arguments: str, without: str = "") -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.modules.update(dict.fromkeys({without.split()!r}))\n"
    code += "from ecgedge_export.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_verify_and_bundle_work_from_any_folder(tmp_path: Path) -> None:
    assert export(tmp_path, "verify").returncode == 0
    assert export(tmp_path, "bundle", "out.zip").returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out.zip"]


def test_a_bundle_replaces_a_bundle_and_no_other_file(tmp_path: Path) -> None:
    assert export(tmp_path, "bundle", "out.zip").returncode == 0
    made = (tmp_path / "out.zip").read_bytes()
    assert export(tmp_path, "bundle", "out.zip").returncode == 0
    assert (tmp_path / "out.zip").read_bytes() == made
    for name, data in (("a.csv", b"1,2\n"), ("empty", b""), ("other.zip", b"PK\x05\x06" + bytes(18))):
        (tmp_path / name).write_bytes(data)
        done = export(tmp_path, "bundle", name)
        assert (done.returncode, done.stdout) == (1, "")
        assert "is there and is no bundle: choose another name" in done.stderr
        assert (tmp_path / name).read_bytes() == data


def test_cards_of_no_model_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1\n")
    for name in (".", "a.csv", "none"):
        done = export(tmp_path, "card", name)
        assert done.returncode == 1
        assert "holds no model folder" in done.stderr


@pytest.mark.parametrize("noise", ["em:nan", "ma:inf", "bw:", "em:1e999", "xx:6"])
def test_noise_without_a_ratio_is_refused_before_anything_runs(tmp_path: Path, noise: str) -> None:
    done = export(tmp_path, "evaluate", "beats", "--noise", noise)
    assert done.returncode == 1
    assert "a colon and dB, such as em:6" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify",),
        ("bundle", "x.zip"),
        ("train", "rhythm"),
        ("evaluate", "gate"),
        ("embed", "."),
    ],
)
def test_without_the_extra_it_is_one_clear_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = export(
        tmp_path, *arguments, without="torch onnx onnxruntime scipy wfdb flatbuffers ai_edge_litert"
    )
    assert done.returncode == 1
    assert re.fullmatch(
        r"ecgedge-export: \S+ is not installed: pip install 'ecgedge\[export\]'\n", done.stderr
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a device of Linux")
def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", "from ecgedge_export.cli import main; main()", "data", "list"],
            cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "ecgedge-export: output: No space left on device\n"


def test_what_the_wheel_takes_in_is_there() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}
    code = {"ecg_core.h", "ecg_frame.h"}
    data = {"PROTOCOL.md", "events.schema.json"}
    assert {Path(name).name for name in wheel["force-include"]} == data | code | pages
    assert all((ROOT / name).is_file() for name in wheel["force-include"])


def test_the_lock_pins_what_development_asks_for_with_hashes_and_names_no_registry() -> None:
    lock = (ROOT / "requirements-dev.lock").read_text()
    assert not re.search(r"https?://|--index|--find-links", lock)
    pinned = dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", lock, re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["dev"]
    asked = dict(re.findall(r"^([A-Za-z0-9.-]+)==([^;\s]+)", "\n".join(project), re.MULTILINE))
    assert asked
    assert {name: pinned[name] for name in asked} == asked
    entries = re.split(r"\n(?=\S)", lock.strip())
    assert all("--hash=sha256:" in entry for entry in entries)


def test_the_bill_of_materials_lists_what_runs() -> None:
    base, whole = sbom(), sbom(["export"])
    names = {part["name"] for part in base["components"]}  # type: ignore[attr-defined]
    assert {"numpy", "bleak", "typer", "rich"} <= names
    assert "torch" not in names
    assert "torch" in {part["name"] for part in whole["components"]}  # type: ignore[attr-defined]
    assert base == sbom()
