"""Files and folders are whole or not there, whatever interrupts the writing."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from ecgedge_bridge import files


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def half(path: Path, error: type[BaseException]) -> None:
    with files.atomic_file(path) as file:
        file.write(b"half")
        raise error


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt, SystemExit])
def test_an_interrupted_file_is_not_there(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "new" / "a.bin"
    with pytest.raises(error):
        half(path, error)
    assert names(tmp_path) == ["new"]
    files.write_atomically(path, b"old")
    with pytest.raises(error):
        half(path, error)
    assert names(tmp_path) == ["a.bin", "new"]
    assert path.read_bytes() == b"old"


def test_a_file_has_the_mode_that_was_asked_for(tmp_path: Path) -> None:
    files.write_atomically(tmp_path / "a", "ü")
    files.write_atomically(tmp_path / "b", b"", 0o600)
    assert (tmp_path / "a").read_text("utf-8") == "ü"
    assert [oct((tmp_path / name).stat().st_mode & 0o777) for name in "ab"] == ["0o644", "0o600"]


def model(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(text)
    return folder


def test_a_folder_replaces_the_one_that_was_there(tmp_path: Path) -> None:
    made, target = model(tmp_path / "work" / "gate", "new"), tmp_path / "models" / "gate"
    files.install_folder(made, target)
    (target / "stray").write_text("")
    files.install_folder(made, target)
    assert names(tmp_path / "models") == ["gate", "manifest.json"]
    assert (made / "manifest.json").read_text() == (target / "manifest.json").read_text() == "new"


def test_a_folder_that_cannot_be_copied_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, target = model(tmp_path / "work" / "gate", "new"), model(tmp_path / "models" / "gate", "old")
    rename, target_name = Path.rename, target.absolute()

    def fails(self: Path, other: Path) -> Path:
        if other == target_name and "-old-" not in str(self):
            raise OSError("no")
        return rename(self, other)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(OSError, match="no"):
        files.install_folder(made, target)
    assert names(tmp_path / "models") == ["gate", "manifest.json"]
    assert (target / "manifest.json").read_text() == "old"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_between_the_two_renames_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    made, target = model(tmp_path / "work" / "gate", "new"), model(tmp_path / "models" / "gate", "old")
    rename = Path.rename

    def interrupted(self: Path, other: Path) -> Path:
        os.kill(os.getpid(), number)
        return rename(self, other)

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        monkeypatch.setattr(Path, "rename", interrupted)
        with pytest.raises(KeyboardInterrupt):
            files.install_folder(made, target)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert names(tmp_path / "models") == ["gate", "manifest.json"]
    assert (target / "manifest.json").read_text() == "new"


def test_another_thread_may_write_too(tmp_path: Path) -> None:
    made = model(tmp_path / "work" / "gate", "new")
    thread = threading.Thread(target=files.install_folder, args=(made, tmp_path / "models" / "gate"))
    thread.start()
    thread.join()
    assert names(tmp_path / "models") == ["gate", "manifest.json"]
