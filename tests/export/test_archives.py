"""Archives of strangers: bounded while bytes come, inside their folder, and refused in one clear line."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import fuzz_files as fuzz  # tests/export/fuzz_files.py
import pytest
import torch

from ecgedge_bridge.errors import ConfigError, ModelError
from ecgedge_export import archives
from ecgedge_export.archives import Limits, npz, unpack_tar, unpack_zip
from ecgedge_export.data import places
from ecgedge_export.ship.verify import verify
from ecgedge_export.train import with_average


@pytest.mark.parametrize("name", fuzz.SUBJECTS)
def test_a_share_of_the_fuzzing(name: str) -> None:
    outcomes = fuzz.fuzz(name, 60, seed=1)
    assert outcomes["refused"] > 10
    # What is whole is read: a fuzzer whose every input is refused at the door finds nothing behind it.
    assert outcomes["taken"] > 0


def tar_of(path: Path, *entries: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:xz") as archive:
        for entry in entries:
            archive.addfile(entry, io.BytesIO(bytes(entry.size)))
    return path


def entry(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, link
    return info


HOSTILE = {
    "bomb": ([entry("a", 200_000), entry("b", 200_000)], "holds more than 0 MiB"),
    "many": ([entry(f"f{i}") for i in range(30)], "holds more than 20 files"),
    "up": ([entry("../x")], "leads out of the folder"),
    "root": ([entry("/x")], "leads out of the folder"),
    "symlink": ([entry("x", kind=tarfile.SYMTYPE, link="/etc")], "neither a file nor a folder"),
    "hard link": ([entry("x", kind=tarfile.LNKTYPE, link="y")], "neither a file nor a folder"),
    "device": ([entry("x", kind=tarfile.CHRTYPE)], "neither a file nor a folder"),
    "twice": ([entry("x"), entry("x")], "is there twice"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_tar_is_refused(tmp_path: Path, name: str) -> None:
    entries, message = HOSTILE[name]
    source = tar_of(tmp_path / "x.tar.xz", *entries)
    (tmp_path / "into").mkdir()
    with pytest.raises(ConfigError, match=message):
        unpack_tar(source, tmp_path / "into", Limits(20, 300_000))
    assert {p.name for p in tmp_path.iterdir()} == {"into", "x.tar.xz"}


def test_an_honest_tar_is_unpacked_without_tarfiles_filter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("data_filter", "tar_filter", "fully_trusted_filter"):  # as in Debian 12's Python 3.11.2
        monkeypatch.delattr(tarfile, name, raising=False)
    data = tmp_path / "data"
    data.mkdir()
    tar_of(data / "tiny.tar.xz", entry("tiny", kind=tarfile.DIRTYPE), entry("tiny/a.dat", 1000))
    monkeypatch.setenv("ECGEDGE_DATA", str(data))
    monkeypatch.setattr(places, "cache_dir", lambda: tmp_path / "cache")
    assert (places.find("tiny", "tiny") / "a.dat").stat().st_size == 1000
    tar_of(data / "other.tar.xz", entry("strange/a.dat", 1000))
    with pytest.raises(ConfigError, match="holds no folder 'other'"):
        places.find("other", "other")
    assert [p.name for p in (tmp_path / "cache" / "data").iterdir()] == ["tiny"]


def test_a_small_zip_that_unpacks_to_gigabytes_is_refused_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(4):
            archive.writestr(f"rhythm/{i}", bytes(30_000_000))
    assert bomb.stat().st_size < 200_000
    monkeypatch.setattr(archives, "BUNDLE", Limits(10, 50 << 20))
    (tmp_path / "into").mkdir()
    with pytest.raises(ModelError, match="holds more than 50 MiB"):
        unpack_zip(bomb, tmp_path / "into", archives.BUNDLE)
    assert sum(p.stat().st_size for p in (tmp_path / "into").rglob("*") if p.is_file()) <= 50 << 20


def zip_of(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"SHA256SUMS": b"x"}, "cannot be read"),
        ({"SHA256SUMS": b"\xff\xfe"}, "cannot be read"),
        ({"SHA256SUMS": b"a" * 64 + b"  ../x"}, "cannot be read"),
        ({"SHA256SUMS": b"", "../x": b""}, "leads out of the folder"),
        ({"SHA256SUMS": b"", "a": b""}, "a in the zip is not what"),
    ],
)
def test_a_strange_bundle_is_one_line(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        verify(zip_of(tmp_path / "x.zip", files))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"x" * 100, b"PK\x05\x06" + bytes(18), b"\x80\x02]."])
def test_damaged_caches_and_checkpoints_are_one_line(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match=r"cannot be read|no checkpoint"):
        with_average(torch.nn.Linear(1, 1), path)
    with pytest.raises(ConfigError, match="cannot be read"), npz(path, "delete it") as arrays:
        _ = arrays["signal"]


def test_a_checkpoint_never_runs_what_is_in_it(tmp_path: Path) -> None:
    torch.save({"net": print}, tmp_path / "x")
    with pytest.raises(ConfigError, match="cannot be read"):
        with_average(torch.nn.Linear(1, 1), tmp_path / "x")
