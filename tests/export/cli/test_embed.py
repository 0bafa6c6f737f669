"""`ecgedge-export embed`: folders of any recordings through our encoder or a user's checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import wfdb
from typer.testing import CliRunner

from ecgedge_export.cli import app
from ecgedge_export.pretrain.encoder import Encoder
from ecgedge_export.pretrain.trainer import Plan, Trained, save_encoder
from ecgedge_export.teachers import EmbeddingCache, load_teacher
from ecgedge_export.teachers.external import build


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A WFDB record of 25 s in a subfolder, a table of 12 s, and two files that are no recordings."""
    root = tmp_path / "recordings"
    (root / "day").mkdir(parents=True)
    mv = np.sin(np.arange(25 * 250) / 20)[:, None]
    wfdb.wrsamp(
        "r1", fs=250, units=["mV"], sig_name=["I"], p_signal=mv, fmt=["16"], write_dir=str(root / "day")
    )
    rows = [f"{i * 8},{np.sin(i / 9):.4f}" for i in range(12 * 125)]
    (root / "strap.csv").write_text("time_ms,ecg_mV\n" + "\n".join(rows) + "\n")
    (root / "notes.bin").write_bytes(b"\x00\x01")
    (root / "labels.csv").write_text("file,label\nr1,sinus\n")
    return root


@pytest.fixture
def own(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "own.pt"
    save_encoder(Trained(Encoder().eval(), [1.0]), "clef", Plan(), path)
    return path


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["embed", *(str(word) for word in words)])
    return result.exit_code, f"{result.stderr}{result.exception or ''}"


def test_every_whole_window_of_a_folder_is_embedded(folder: Path, own: Path, tmp_path: Path) -> None:
    out = tmp_path / "e.npz"
    code, said = run(folder, "--checkpoint", own, "--out", out)
    assert code == 0, said
    cache = EmbeddingCache.load(out, teacher="ecgedge")
    windows = sorted(zip(cache.record_id.tolist(), cache.start.tolist(), strict=True))
    assert windows == [("day/r1", 0), ("day/r1", 2500), ("strap.csv", 0)]
    assert "3 windows, 96 values" in said
    assert said.count("left out") == 2  # what is no recording is told
    expected = load_teacher(None, own).embed(np.sin(np.arange(2500, 5000) / 20), 250.0)
    np.testing.assert_allclose(cache.vector_of("day/r1", 2500), expected, atol=0.02)


def test_a_users_checkpoint_is_known_by_its_tensors(folder: Path, tmp_path: Path) -> None:
    path, out = tmp_path / "clef.pt", tmp_path / "e.npz"
    state = build("clef-small").state_dict()
    torch.save({"state_dict": {f"backbone.{name}": value for name, value in state.items()}}, path)
    code, said = run(folder / "day" / "r1.hea", "--checkpoint", path, "--out", out, "--hop", 5)
    assert code == 0, said
    cache = EmbeddingCache.load(out, teacher="clef-small")
    assert (cache.preset, cache.dim, cache.start.tolist()) == ("clef", 256, [0, 1250, 2500, 3750])


@pytest.mark.parametrize(
    ("what", "more", "message"),
    [
        ("nowhere", (), "no such folder or data set"),
        ("recordings", ("--checkpoint", "none.pt"), "no such file"),
        ("recordings", ("--kind", "clef-tiny"), "no teacher is called"),
        ("recordings", ("--preset", "clef"), "no preset"),
        ("recordings", ("--checkpoint", "recordings/notes.bin"), "cannot be read"),
        ("recordings/labels.csv", (), "can be read"),
        ("recordings", ("--hop", "0"), "hop"),
    ],
)
def test_a_mistake_is_told(
    folder: Path,
    own: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
    more: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = more if "--checkpoint" in more else ("--checkpoint", own, *more)
    code, said = run(what, *given)
    assert code != 0
    assert message in said
    assert not (tmp_path / "embeddings.npz").exists()


def test_without_an_encoder_it_says_how_to_make_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    code, said = run(folder)
    assert code != 0
    assert "pretrain" in said
