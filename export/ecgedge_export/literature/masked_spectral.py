"""Masked autoencoder against simplicity bias: rare statements, and recordings with one QRS for all beats."""

from __future__ import annotations

from ecgedge_export.literature.encoders import Question, ask
from ecgedge_export.literature.row import Job, Measured

ARMS = {
    "masked_time": (),
    "masked_spectral": ("masked_time",),
}
NAMES = {
    "masked_time": "masked autoencoder, time alone",
    "masked_spectral": "masked autoencoder with spectra, prototypes and filter",
}
ASKED = (
    "probe",
    "probe_rare",
    "probe_rare_recall",
    "tuned",
    "tuned_rare",
    "tuned_rare_recall",
    "median_qrs",
    "probe_norm",
    "tuned_norm",
)
MEASURES = dict.fromkeys(ASKED, tuple(ARMS))
DECIDE = (
    Question("masked_spectral", "masked_time", "probe_rare"),
    Question("masked_spectral", "random", "tuned_rare"),
)
# What is won in rare statements must not be lost in the commonest one.
GUARDS = (
    Question("masked_spectral", "masked_time", "probe_norm"),
    Question("masked_spectral", "random", "tuned_norm"),
)
TOLD = (
    Question("masked_spectral", "masked_time", "probe_rare_recall"),
    Question("masked_spectral", "random", "tuned_rare_recall"),
    Question("masked_spectral", "random", "tuned"),
)


def measure(job: Job) -> Measured:
    """See :class:`ecgedge_export.literature.works.Row`."""
    return ask(job, ARMS, NAMES, DECIDE, MEASURES, GUARDS, TOLD)
