"""One trainer for all objectives: the same by seed, and the same whether it was stopped or not."""

import numpy as np
import pytest
import torch
from cohorts import cohort
from torch import nn

from ecgedge_bridge.errors import ConfigError, ModelError
from ecgedge_export.pretrain.encoder import DIM, Encoder, one_lead
from ecgedge_export.pretrain.trainer import Plan, load_encoder, pretrain, save_encoder

PLAN = Plan(epochs=3, batch=16, seed=4)


class Momentum:
    """Predicts a momentum teacher's view of another lead: a part that follows, and one that is trained."""

    name = "momentum"
    reads_reports = False

    def __init__(self, encoder, cohort):
        self.encoder = encoder
        teacher = Encoder()
        teacher.load_state_dict(encoder.state_dict())
        self.parts = nn.ModuleDict({"teacher": teacher.requires_grad_(False), "head": nn.Linear(DIM, DIM)})

    def loss(self, batch, rng):
        with torch.no_grad():
            wanted = self.parts["teacher"](one_lead(batch.ecg, int(rng.integers(8)))).pooled
        return (self.parts["head"](self.encoder(one_lead(batch.ecg, 0)).pooled) - wanted).square().mean()

    def after_step(self, step):
        with torch.no_grad():
            pairs = zip(self.parts["teacher"].parameters(), self.encoder.parameters(), strict=True)
            for mine, new in pairs:
                mine.lerp_(new, 1 / (1 + step))


def quiet(*_):
    pass


def stop_after(epochs):
    def progress(done, *_):
        if done == epochs:
            raise KeyboardInterrupt

    return progress


def test_a_stopped_training_ends_as_one_that_never_stopped(tmp_path):
    who = cohort()
    whole = pretrain(Momentum, who, PLAN, tmp_path / "a.pt", quiet)
    for epochs in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            pretrain(Momentum, who, PLAN, tmp_path / "b.pt", stop_after(epochs))
    gone_on = pretrain(Momentum, who, PLAN, tmp_path / "b.pt", quiet)
    assert gone_on.losses == whole.losses
    for a, b in zip(whole.encoder.state_dict().values(), gone_on.encoder.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_a_checkpoint_of_other_recordings_or_plans_is_refused(tmp_path):
    pretrain(Momentum, cohort(32), Plan(epochs=1, batch=16), tmp_path / "a.pt", quiet)
    for who, plan in ((cohort(32, seed=1), Plan(epochs=1, batch=16)), (cohort(32), PLAN)):
        with pytest.raises(ConfigError, match="of another training"):
            pretrain(Momentum, who, plan, tmp_path / "a.pt", quiet)


def test_an_encoder_file_comes_back_and_bad_ones_are_refused(tmp_path):
    trained = pretrain(Momentum, cohort(16), Plan(epochs=1, batch=16), tmp_path / "a.pt", quiet)
    path = tmp_path / "encoder.pt"
    save_encoder(trained, "momentum", PLAN, path)
    again = load_encoder(path)
    x = torch.from_numpy(cohort(4).lead_i)
    assert torch.equal(again.encoder(x).pooled, trained.encoder(x).pooled)
    assert again.losses == trained.losses
    state = torch.load(path, weights_only=True)
    weights = state["state_dict"]
    bad = {
        "truncated": path.read_bytes()[:1000],
        "other format": {**state, "format": "x"},
        "more leads": {**state, "leads": 8},
        "a huge one": {**state, "dim": 10**9},
        "nothing": {},
        "a weight too few": {**state, "state_dict": dict(list(weights.items())[1:])},
        "another shape": {**state, "state_dict": {**weights, "stem.0.weight": torch.zeros(1)}},
        "not finite": {**state, "state_dict": {**weights, "stem.0.weight": weights["stem.0.weight"] / 0}},
    }
    for what, content in bad.items():
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            torch.save(content, path)
        with pytest.raises(ModelError, match=r"encoder of ours|not finite"):
            pytest.fail(f"{what} was read: {load_encoder(path)}")
    with pytest.raises(ConfigError, match="no such file"):
        load_encoder(tmp_path / "none.pt")


def test_the_encoder_sees_neither_gain_nor_offset():
    x = torch.from_numpy(cohort(4).lead_i)
    net = Encoder().eval()
    assert torch.allclose(net(x).pooled, net(3 * x + 5).pooled, atol=1e-3)
    assert torch.isfinite(net(torch.zeros(1, 1, 1000)).pooled).all()
    assert torch.equal(net(x).tokens.mean(2), net(x).pooled)
    with pytest.raises(ValueError, match="cut windows"):
        net(x[..., :999])


def test_only_keeps_rows_of_everything():
    who = cohort(8)
    part = who.only(np.array([5, 2]))
    assert part.ids == (who.ids[5], who.ids[2])
    assert np.array_equal(part.ecg, who.ecg[[5, 2]])
    assert (
        part.superclasses.tolist() == who.superclasses[[5, 2]].tolist() == [[0, 1, 0, 0, 0], [1, 0, 0, 0, 0]]
    )
