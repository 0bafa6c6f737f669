"""Losses that match signals with texts: CLIP's, and one in which words look for their beats."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

SHARPNESS = 5.0  # of the words within a report
SCALE = 10.0  # of the local similarity between reports


def symmetric_ce(logits: Tensor, same: Tensor) -> Tensor:
    """CLIP's loss: each signal is to find its text among all of the batch, and each text its signal.

    ``-1/2 mean_i log softmax_j(l_ij) - 1/2 mean_j log softmax_i(l_ij)``, taken at the pairs that belong
    together, and at their mean where several do: "sinus rhythm. normal ecg." stands 168 times in PTB-XL, and
    nobody can tell which of them is meant. Source: Radford et al., arXiv 2103.00020.

    Parameters
    ----------
    logits : Tensor of shape (batch, batch)
        Of signal i and text j.
    same : bool Tensor of shape (batch, batch)
        Whether texts i and j are the same; the diagonal is.

    Examples
    --------
    >>> round(float(symmetric_ce(torch.zeros(4, 4), torch.eye(4) > 0)), 4)  # log 4: nothing is found
    1.3863
    """
    wanted = same / same.sum(1, keepdim=True)
    there = -(wanted * logits.log_softmax(1)).sum(1).mean()
    back = -(wanted * logits.T.log_softmax(1)).sum(1).mean()
    return (there + back) / 2


def local_similarity(words: Tensor, known: Tensor, beats: Tensor, real: Tensor) -> Tensor:
    """How well the words of each text find beats of each signal: (signals, texts).

    Each word w attends to the beats b_k of a signal, ``c = sum_k softmax_k(cos(w, b_k) SHARPNESS) b_k``;
    then ``log sum_w exp(SHARPNESS cos(w, c))``, as in MELP.

    Parameters
    ----------
    words : Tensor of shape (texts, most words, dim)
    known : bool Tensor of shape (texts, most words)
        Which of them are words, and not filling; at least one of each text.
    beats : Tensor of shape (signals, most beats, dim)
    real : bool Tensor of shape (signals, most beats)
        At least one of each signal.
    """
    words, beats = F.normalize(words, dim=2), F.normalize(beats, dim=2)
    cosine = torch.einsum("twd,skd->stwk", words, beats)
    attention = (SHARPNESS * cosine).masked_fill(~real[:, None, None, :], -torch.inf).softmax(3)
    # cos(w, c) without c itself: w.c is the attention's mean cosine, |c| follows from the beats' own cosines.
    dot = (attention * cosine).sum(3)
    among = torch.einsum("skd,sld->skl", beats, beats)
    length = torch.einsum("stwk,skl,stwl->stw", attention, among, attention).clamp_min(1e-8).sqrt()
    found = (SHARPNESS * dot / length).masked_fill(~known, -torch.inf)
    return found.logsumexp(2)
