"""MELP: beats of tokens, words of reports, a student's levels, and a training that was stopped."""

import math

import numpy as np
import pytest
import torch
from cohorts import cohort
from typer.testing import CliRunner

from ecgedge_bridge.errors import ConfigError, ModelError
from ecgedge_export.cli import app
from ecgedge_export.pretrain.encoder import Encoded
from ecgedge_export.pretrain.objective import Batch
from ecgedge_export.pretrain.reports import melp
from ecgedge_export.pretrain.reports.melp import Follower, Melp, Targets
from ecgedge_export.pretrain.trainer import Plan, pretrain, seeded
from ecgedge_export.teachers.cache import EmbeddingCache


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_tokens_belong_to_the_nearest_r_peak():
    peaks = [np.array([95, 310, 400]), np.array([], np.int64), np.arange(10, 1000, 25)]
    pools = melp.beat_map(peaks)
    for pool, mine in zip(pools, peaks, strict=True):
        for token in range(50):
            centre = 20 * token + 10
            nearest = int(np.abs(mine - centre).argmin()) if len(mine) else 0
            assert pool[min(nearest, melp.MOST_BEATS - 1), token] > 0
        assert ((pool > 0).sum(0) == 1).all()
        assert set(pool.sum(1).round(5).tolist()) <= {0.0, 1.0}


def test_a_beat_is_the_mean_of_its_tokens():
    tokens = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 3, 50)).astype(np.float32))
    found = melp.pooled_beats(tokens, torch.from_numpy(melp.beat_map([np.array([200, 600])])))
    assert torch.allclose(found[0, 0], tokens[0, :, :20].mean(1), atol=1e-6)
    assert torch.allclose(found[0, 1], tokens[0, :, 20:].mean(1), atol=1e-6)
    assert not found[0, 2:].any()


def slow_distance(u, v):
    dot = sum(a * b for a, b in zip(u, v, strict=True))
    return 1 - dot / math.sqrt(sum(a * a for a in u) * sum(b * b for b in v))


@torch.no_grad()
def test_a_students_levels_are_the_cards():
    rng = np.random.default_rng(2)
    tokens = torch.from_numpy(rng.standard_normal((2, 8, 50)).astype(np.float32))
    pools = torch.from_numpy(melp.beat_map([np.array([200, 600]), np.array([500])]))
    targets = Targets(torch.randn(2, 64), torch.randn(2, 24, 8), torch.randn(2, 8, 50))
    head = Follower(8)
    found = head(Encoded(tokens, tokens.mean(2)), pools, targets)
    window = head.window(tokens.mean(2)).tolist()
    assert float(found["window"]) == pytest.approx(
        np.mean([slow_distance(u, v) for u, v in zip(window, targets.window.tolist(), strict=True)]), abs=1e-5
    )
    moved = head.token(tokens.transpose(1, 2)).tolist()
    wanted = targets.token.transpose(1, 2).tolist()
    each = [slow_distance(moved[i][t], wanted[i][t]) for i in range(2) for t in range(50)]
    assert float(found["token"]) == pytest.approx(np.mean(each), abs=1e-5)
    beats = [
        [head.beat(tokens[0, :, :20].mean(1)), head.beat(tokens[0, :, 20:].mean(1))],
        [head.beat(tokens[1].mean(1))],
    ]
    by_recording = [
        np.mean([slow_distance(b.tolist(), targets.beat[i, k].tolist()) for k, b in enumerate(of)])
        for i, of in enumerate(beats)
    ]
    assert float(found["beat"]) == pytest.approx(np.mean(by_recording), abs=1e-5)


def test_words_of_reports():
    said, vocabulary = melp.occurring(["Sinusrhythmus, normales EKG", "sinusrhythmus linkstyp", ""])
    assert vocabulary == ["sinusrhythmus", "linkstyp", "normales"]  # EKG is too short, ties by letter
    assert said.tolist() == [[1, 0, 1], [1, 1, 0], [0, 0, 0]]
    assert melp.spoken_words("Sinusrhythmus, a-v Block") == ["sinusrhythmus", "block"]
    assert melp.spoken_words("4.46") == [""]


def test_the_teacher_learns_from_reports_and_the_student_from_the_teacher_alone():
    who = cohort(16)
    objective = Melp(seeded(Plan()), who)
    batch = Batch(torch.from_numpy(who.ecg), np.arange(len(who)))
    objective.loss(batch, np.random.default_rng(0)).backward()
    assert all(p.grad is not None for p in objective.teacher.encoder.parameters())
    assert all(p.grad is not None for p in [*objective.encoder.parameters(), *objective.student.parameters()])
    # What the student is drawn to is not moved towards the student.
    objective.parts.zero_grad()
    encoded = objective.teacher.encoder(batch.ecg)
    pools = torch.from_numpy(melp.beat_map(who.r_peaks))
    targets = Targets(*(t.detach() for t in objective.teacher.targets(encoded, pools)))
    sum(objective.student(objective.encoder(batch.ecg[:, :1]), pools, targets).values()).backward()
    assert all(p.grad is None or not p.grad.any() for p in objective.teacher.parameters())


def test_vectors_of_a_language_model_stand_in_for_the_tower(tmp_path):
    who = cohort(16)
    vectors = np.eye(16, 24, dtype=np.float32)
    plan = Plan(epochs=2, batch=8)
    trained = pretrain(
        lambda encoder, cohort: Melp(encoder, cohort, vectors), who, plan, tmp_path / "a.pt", lambda *_: None
    )
    assert trained.losses[-1] < trained.losses[0]


def test_a_stopped_training_ends_as_one_that_never_stopped(tmp_path):
    who, plan = cohort(32), Plan(epochs=2, batch=8, seed=3)
    whole = pretrain(Melp, who, plan, tmp_path / "a.pt", lambda *_: None)

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pretrain(Melp, who, plan, tmp_path / "b.pt", stop)
    gone_on = pretrain(Melp, who, plan, tmp_path / "b.pt", lambda *_: None)
    assert gone_on.losses == whole.losses
    for a, b in zip(whole.encoder.state_dict().values(), gone_on.encoder.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def embeddings(path, ids):
    vectors = np.random.default_rng(0).standard_normal((len(ids), 24)).astype(np.float16)
    EmbeddingCache(
        "some-bert", "reports", "0" * 64, np.array(ids), np.zeros(len(ids), np.int64), vectors
    ).save(path)
    return path


def test_an_embedding_file_has_to_know_somebody(tmp_path):
    who = cohort(16)
    known = melp.reading(embeddings(tmp_path / "a.npz", [*who.ids[:12], "stranger"]))
    objective = known(seeded(Plan()), who)
    assert objective._report.norm(dim=1).tolist() == pytest.approx([1] * 12 + [0] * 4)
    with pytest.raises(ConfigError, match="ecg_id"):
        melp.reading(embeddings(tmp_path / "b.npz", ["stranger"]))(seeded(Plan()), who)
    with pytest.raises(ConfigError, match="no such file"):
        melp.reading(tmp_path / "c.npz")
    (tmp_path / "d.npz").write_bytes(b"PK broken")
    with pytest.raises(ModelError, match="no cache"):
        melp.reading(tmp_path / "d.npz")


@pytest.mark.parametrize(("objective", "file"), [("melp", "none.npz"), ("clef", "a.npz")])
def test_the_command_refuses_reports_that_nobody_reads(objective, file, tmp_path):
    embeddings(tmp_path / "a.npz", ["1"])
    result = CliRunner().invoke(app, ["pretrain", objective, "--reports", str(tmp_path / file)])
    assert result.exit_code
    assert "only melp" in result.output or "no such file" in str(result.exception)
