"""Masked patches, their spectra and prototypes against loops; the filter that begins as no filter."""

import numpy as np
import pytest
import torch
from cohorts import cohort

from ecgedge_export.pretrain import masked_spectral as ms
from ecgedge_export.pretrain.encoder import Encoder, standardised
from ecgedge_export.pretrain.objective import Batch


def slow_log_spectrum(patch):
    """The Fourier sum, sample by sample."""
    n = len(patch)
    bins = range(n // 2 + 1)
    turns = [[np.exp(-2j * np.pi * f * k / n) for k in range(n)] for f in bins]
    sums = [sum(x * turn for x, turn in zip(patch, row, strict=True)) / np.sqrt(n) for row in turns]
    return [np.log(np.sqrt(abs(s) ** 2 + 0.1**2)) for s in sums]


def test_loss_is_the_formula():
    torch.manual_seed(0)
    objective = ms.MaskedSpectral(Encoder(), cohort(16))
    rng = np.random.default_rng(1)
    predicted, wanted = (torch.from_numpy(rng.standard_normal((6, 20)).astype(np.float32)) for _ in range(2))
    decoded = torch.from_numpy(rng.standard_normal((6, objective.encoder.dim)).astype(np.float32))
    spectra = [[slow_log_spectrum(p) for p in x.tolist()] for x in (predicted, wanted)]
    expected = float(np.mean((predicted - wanted).numpy() ** 2))
    expected += 0.5 * float(np.mean((np.array(spectra[0]) - np.array(spectra[1])) ** 2))
    for k in (16, 128):
        for domain, shown in (("time", wanted.tolist()), ("spectrum", spectra[1])):
            centres = objective.parts[f"{domain}{k} prototypes"].centres.numpy()
            logits = objective.parts[f"{domain}{k}"](decoded).detach().numpy()
            for row, x in zip(logits, shown, strict=True):
                which = int(np.argmin([np.sum((np.array(x) - c) ** 2) for c in centres]))
                expected += 0.1 / 2 * (np.log(np.exp(row).sum()) - row[which]) / 6
    with torch.no_grad():
        found, patches = (
            float(cls._compared(objective, predicted, wanted, decoded))
            for cls in (ms.MaskedSpectral, ms.MaskedTime)
        )
    assert found == pytest.approx(expected, rel=1e-4)
    assert patches == pytest.approx(np.mean((predicted - wanted).numpy() ** 2))


def test_sixty_percent_are_masked_and_none_of_it_is_seen():
    masked = ms.masks(7, np.random.default_rng(0))
    assert (masked.sum(1) == 30).all()
    assert len({row.tobytes() for row in masked}) == 7
    # What stands under the mask changes what is wanted, never what is predicted.
    who = cohort(4)
    objective = ms.MaskedTime(Encoder().eval(), who)
    predicted = []
    objective._compared = lambda said, wanted, decoded: predicted.append(said) or wanted.sum()
    batch = Batch(torch.from_numpy(who.ecg), np.arange(4))
    objective.loss(batch, np.random.default_rng(3))
    rng = np.random.default_rng(3)
    windows = standardised(torch.from_numpy(objective._windows(who.ecg, rng)))
    hidden = torch.from_numpy(ms.masks(8, rng)).repeat_interleave(20, dim=1)[:, None]
    noisy = torch.where(hidden, torch.randn_like(windows), windows)
    assert torch.equal(noisy.masked_fill(hidden, 0.0), windows.masked_fill(hidden, 0.0))
    tokens = objective.encoder.encode(noisy.masked_fill(hidden, 0.0)).tokens
    decoded = objective.parts["decoder"](tokens.unsqueeze(2)).squeeze(2)
    again = objective.parts["patch"](decoded).transpose(1, 2)[hidden[:, 0, ::20]]
    assert torch.allclose(again, predicted[0], atol=1e-5)


def test_patches_stand_in_order():
    x = torch.arange(2000.0).reshape(2, 1, 1000)
    assert ms.patches(x)[1, 3].tolist() == list(range(1060, 1080))


def test_k_means_finds_groups():
    torch.manual_seed(1)
    centres = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    x = centres.repeat(50, 1) + 0.1 * torch.randn(150, 2)
    found = ms.k_means(x, 6)
    for centre in centres:
        assert (found - centre).norm(dim=1).min() < 0.3
    assert ms.nearest(torch.tensor([[9.0, 1.0]]), centres).tolist() == [1]


def test_the_filter_begins_as_no_filter_and_goes_with_the_encoder():
    x = torch.from_numpy(cohort(4).lead_i)
    plain, filtered = Encoder().eval(), Encoder().eval()
    filtered.load_state_dict(plain.state_dict())
    filtered.add_filter()
    assert torch.allclose(plain(x).pooled, filtered(x).pooled, atol=1e-5)
    with torch.no_grad():
        filtered.filter.gain[:, 50:] = 0  # above 5 Hz
    assert not torch.allclose(plain(x).pooled, filtered(x).pooled, atol=1e-2)
    filtered(x).pooled.square().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in filtered.filter.parameters())
