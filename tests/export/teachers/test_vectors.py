"""A large model's embeddings draw the student's features, from a recipe to a table, with random weights."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import wfdb
from typer.testing import CliRunner

from ecgedge_bridge.errors import ConfigError, ModelError
from ecgedge_export import cli, recipe
from ecgedge_export.pretrain.encoder import Encoder
from ecgedge_export.pretrain.trainer import Plan, Trained, save_encoder
from ecgedge_export.recipe import External
from ecgedge_export.rhythm import training
from ecgedge_export.rhythm.augment import Augmenter
from ecgedge_export.teachers import EmbeddingCache, vectors
from ecgedge_export.teachers.external import build
from ecgedge_export.train import Embeddings, Run

RECIPES = Path(__file__).parents[3] / "export" / "ecgedge_export" / "recipes"
TINY = """
[net]
stem = [4, 7, 4]
stages = [[4, 7, 1], [8, 7, 1], [8, 7, 1]]

[training]
epochs = 1
batch = 16
threads = 1

[teacher]
kind = "clef-small"
checkpoint = "clef.pt"
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CLEF's layout with random weights."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("clef") / "clef.pt"
    state = build("clef-small").state_dict()
    torch.save({"state_dict": {f"backbone.{name}": value for name, value in state.items()}}, path)
    return path


def write(folder: Path, name: str, mv: np.ndarray, fs: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    wfdb.wrsamp(name, fs=fs, units=["mV"] * mv.shape[1], sig_name=[f"ECG{i}" for i in range(mv.shape[1])],
                p_signal=mv, fmt=["16"] * mv.shape[1], write_dir=str(folder))  # fmt: skip


@pytest.fixture
def made_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """CinC 2017 and NSTDB in their layouts: slow pulses called N, quick ones A; two records are too short."""
    monkeypatch.setenv("ECGEDGE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    labels = {f"A{i:05d}": "NA"[i % 2] for i in range(1, 41)}
    for i, (name, label) in enumerate(labels.items()):
        mv = 0.02 * rng.standard_normal((300 * (9 if i < 2 else 12), 1))
        mv[rng.integers(0, 100) :: 270 if label == "N" else 110] += 1
        write(tmp_path / "data" / "training2017", name, mv, 300)
    reference = "".join(f"{name},{label}\n" for name, label in labels.items())
    (tmp_path / "data" / "training2017" / "REFERENCE-v3.csv").write_text(reference)
    for kind in ("bw", "em", "ma"):
        write(tmp_path / "data" / "nstdb", kind, rng.standard_normal((360 * 80, 2)), 360)
    return tmp_path


def run(*words: object) -> str:
    done = CliRunner().invoke(cli.app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_distill_compares_a_student_with_and_without_the_embeddings(
    made_data: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(checkpoint, made_data / "clef.pt")
    heading = (RECIPES / "rhythm_base.toml").read_text().partition("[net]")[0]
    (made_data / "student.toml").write_text(heading + TINY)
    work = made_data / "work"
    asked = ("distill", made_data / "student.toml", "--seeds", 1, "--work", work)
    table = json.loads(run(*asked))
    assert list(table["students"]) == ["labels", "embeddings", "labels, no noise"]
    assert len(list(work.glob("clef-small-clef-*.npz"))) == 1

    # The same with a file that was written before, and no checkpoint any more.
    run("embed", "cinc2017", "--checkpoint", "clef.pt", "--out", "out.npz")
    (made_data / "clef.pt").unlink()
    shutil.rmtree(work)
    shutil.rmtree(made_data / "work-variants")
    told = (
        (made_data / "student.toml").read_text().replace('checkpoint = "clef.pt"', 'embeddings = "out.npz"')
    )
    (made_data / "student.toml").write_text(told)
    assert json.loads(run(*asked)) == table


def test_an_encoder_of_our_own_teaches_too(made_data: Path) -> None:
    save_encoder(Trained(Encoder(), []), "clef", Plan(), made_data / "own.pt")
    heading = (RECIPES / "rhythm_base.toml").read_text().partition("[net]")[0]
    own = TINY.replace("clef-small", "ecgedge").replace("clef.pt", "own.pt")
    (made_data / "student.toml").write_text(heading + own)
    work = made_data / "work"
    table = json.loads(run("distill", made_data / "student.toml", "--seeds", 1, "--work", work))
    assert "embeddings" in table["students"]
    assert len(list(work.glob("ecgedge-ecgedge-*.npz"))) == 1


def cache(ids: list[str], rows: list[list[float]], teacher: str = "melp") -> EmbeddingCache:
    starts = np.arange(len(ids))
    return EmbeddingCache(teacher, "own", "0" * 64, np.array(ids), starts, np.array(rows, np.float16))


def test_a_recording_has_the_mean_direction_of_its_windows() -> None:
    found = vectors.by_record(cache(["a", "b", "a", "x"], [[2, 0], [0, 5], [0, 1], [1, 1]]), ["b", "c", "a"])
    np.testing.assert_allclose(found, [[0, 1], [0, 0], [np.sqrt(0.5), np.sqrt(0.5)]], atol=1e-6)


def test_the_loss_is_one_minus_the_cosine_where_there_is_a_vector() -> None:
    lessons = Embeddings(np.array([[1, 0], [0, 0], [0, 1]], np.float32), weight=3.0)
    projected = torch.tensor([[2.0, 0.0], [5.0, 1.0], [1.0, 1.0]])
    expected = 3.0 * (0.0 + 0.0 + 1 - np.sqrt(0.5)) / 3
    assert float(lessons.loss(projected, np.arange(3))) == pytest.approx(expected, abs=1e-6)
    assert float(lessons.loss(projected[[1, 1]], np.array([2, 0]))) == pytest.approx(
        3.0 * (2 - 6 / np.sqrt(26)) / 2, abs=1e-6
    )


def test_a_student_learns_to_predict_what_its_labels_do_not_tell(small, data, tmp_path: Path) -> None:
    """All recordings have one label; only the vectors tell slow from fast."""
    one_label = replace(data, labels=["N"] * len(data.ids))
    slow = np.array([label == "N" for label in data.labels])
    lessons = Embeddings(np.where(slow[:, None], [1.0, 0.0], [0.0, 1.0]).astype(np.float32), 1.0)
    augmenter = Augmenter(small.fs, small.n_samples, small.clip, small.augment, [])
    windows = torch.from_numpy(np.stack([augmenter.plain(s) for s in one_label.signals]))[:, None]
    targets, every = np.zeros(len(slow), np.int64), np.arange(len(slow))
    student = Run(training.untrained(small), targets, 4, small.training, 64 * 4, None, lessons)
    order = np.concatenate([np.random.default_rng(i).permutation(every) for i in range(4)])
    batches = [(windows[chosen], chosen) for chosen in np.split(order, 16)]
    student.finish(tmp_path / "c.pt", lambda rng: iter(batches), lambda *_: None)
    with torch.no_grad():
        predicted = student.projection(student.net.eval().pooled(windows).mean)
    cosine = torch.nn.functional.cosine_similarity(predicted, torch.from_numpy(lessons.vectors)).numpy()
    # One answer for all would reach 0.71 at most.
    assert min(cosine[slow].mean(), cosine[~slow].mean()) > 0.9


def test_what_is_shipped_has_no_projection(small, tmp_path: Path) -> None:
    how = replace(small.training, epochs=1)
    lessons = Embeddings(np.ones((64, 3), np.float32) / np.sqrt(3).astype(np.float32), 0.5)
    plain = training.untrained(small)
    run_ = Run(training.untrained(small), np.zeros(64, np.int64), 4, how, 4, None, lessons)
    batch = torch.zeros(64, 1, small.n_samples), np.arange(64)
    net = run_.finish(tmp_path / "c.pt", lambda rng: iter([batch]), lambda *_: None)
    assert net.state_dict().keys() == plain.state_dict().keys()
    other = replace(lessons, weight=0.25)
    again = Run(training.untrained(small), np.zeros(64, np.int64), 4, how, 4, None, other)
    with pytest.raises(ConfigError, match="another recipe"):
        again.resume(tmp_path / "c.pt")


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        (External("clef-small"), ConfigError, "give one of them"),
        (External("clef-small", "a.pt", "b.npz"), ConfigError, "give one of them"),
        (External("clef-small", "a.pt"), ConfigError, "no such file"),
        (External("clef-tiny", "a.pt"), ConfigError, "no teacher is called 'clef-tiny'"),
        (External("clef-small", embeddings="melp.npz"), ModelError, "made with teacher 'melp'"),
        (External("melp", embeddings="none.npz"), ConfigError, "no such file"),
    ],
)
def test_a_mistake_in_the_table_is_named(
    tmp_path: Path, how: External, error: type[Exception], message: str
) -> None:
    cache(["a"], [[1.0, 0.0]]).save(tmp_path / "melp.npz")
    with pytest.raises(error, match=message):
        vectors.embeddings(how, tmp_path, lambda: [], tmp_path, lambda line: None)


def test_the_table_is_read(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(
        (RECIPES / "rhythm_base.toml").read_text() + '\n[teacher]\nkind = "melp"\nembeddings = "m.npz"\n'
    )
    assert recipe.load(path).teacher == External("melp", embeddings="m.npz")
