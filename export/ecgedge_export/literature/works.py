"""The ideas: whose they are, what they claim, what was built of them, and which module tests it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, cast

from ecgedge_bridge.errors import ConfigError
from ecgedge_bridge.schema import hint
from ecgedge_export.literature.row import Job, Measured


@dataclass(frozen=True, slots=True)
class Work:
    """A published idea.

    Parameters
    ----------
    title, reference : str
    claims : str
        What the publication says, in a sentence.
    built : str
        What stands here, with its files, and what differs.
    module : str
        Has ``measure(job) -> Measured``.
    """

    title: str
    reference: str
    claims: str
    built: str
    module: str


class Row(Protocol):
    """A module of :data:`WORKS`."""

    def measure(self, job: Job) -> Measured: ...


WORKS: Mapping[str, Work] = MappingProxyType(
    {
        "clef": Work(
            title="CLEF: contrast weighted by clinical risk",
            reference="Shu et al., 2025, arXiv 2512.02180",
            claims="Negatives weighted by the difference of a clinical risk score make better single-lead "
            "encoders: average AUROC at least 1.8 % above other self-supervised learning, from 161,000 "
            "patients.",
            built="`export/ecgedge_export/pretrain/clef.py`: both normalisations of the weights, missing "
            "metadata as published. The risk is the age, since SCORE2's other inputs are not in PTB-XL; "
            "the encoder is smaller. Embeddings: `ecgedge-export embed FOLDER`, with an encoder of "
            "`ecgedge-export pretrain` or a checkpoint of the authors.",
            module="ecgedge_export.literature.clef",
        ),
        "distilled": Work(
            title="Students distilled from teachers",
            reference="the promise of this package; Hinton et al., 2015 (arXiv 1503.02531)",
            claims="A small network that learns a teacher's softened answers beside the labels is better "
            "than one that learns the labels alone.",
            built="`export/ecgedge_export/rhythm/panel`: models that were shipped before answer about the "
            "clean recordings, or about each window that the student hears with noise; features of windows "
            "and of moments, unlabelled signal, a teacher with twelve leads and wrong labels can be tried.",
            module="ecgedge_export.literature.distilled",
        ),
        "heartlang": Work(
            title="HeartLang: beats as words",
            reference="Jin et al., Reading Your Heart, ICLR 2025 (arXiv 2502.10707)",
            claims="Heartbeats are words and rhythms are sentences: a QRS tokenizer with a vector-quantized "
            "vocabulary of 8,192, and masked words told by a transformer, learn general ECG representations.",
            built="`edge/ecgedge/tokens`: a causal tokenizer, INT8 encoder and 256 codes in the runtime; "
            "sentences of three bytes a beat, as telemetry, with a decoder. `export/ecgedge_export/tokens` "
            "trains the vocabulary, `export/ecgedge_export/pretrain/words/heartlang.py` masks half of the "
            "beats of one lead, for a small convolutional encoder.",
            module="ecgedge_export.literature.rows.heartlang",
        ),
        "hrv_noise": Work(
            title="HRV noise detection",
            reference="arXiv 2502.14522",
            claims="Intervals between beats alone tell usable signal from noise, in windows of 20 s and "
            "across four data sets, with more than 90 % accuracy.",
            built="`export/ecgedge_export/gate/hrv.py` (16 figures) and "
            "`export/ecgedge_export/gate/across_sets.py` (each set left out in "
            "turn), beside the shipped gate's features; what the paper does not say of "
            "its detector and settings is ours.",
            module="ecgedge_export.literature.hrv_noise",
        ),
        "masked_spectral": Work(
            title="Masked autoencoder against simplicity bias",
            reference="Xu et al., 2025, arXiv 2506.22495",
            claims="Supervised networks learn the dominant, repeated pattern; time-frequency filters and the "
            "reconstruction of coarse and fine prototypes in both domains make an encoder see the rest.",
            built="`export/ecgedge_export/pretrain/masked_spectral.py`: 60 % of patches of 0.2 s are masked; "
            "patches, log spectra and k-means prototypes (16 and 128, in time and in spectra) are "
            "predicted behind a filter that learns. Sizes and weights are ours, since none of theirs were "
            "at hand. Beside rare statements, recordings in which each QRS is replaced by the recording's "
            "median one.",
            module="ecgedge_export.literature.masked_spectral",
        ),
        "mitbih_beats": Work(
            title="High-quality MIT-BIH beats",
            reference="arXiv 2411.07252",
            claims="Beats cut out by the mean interval of 10 s without outliers are classified right in "
            "99.24 %; fewer samples take 33 % less time and a third of the memory.",
            built="`export/ecgedge_export/beat_classes/segments.py`: the 10 s are those before the beat, as "
            "a live stream needs it; `export/ecgedge_export/beat_classes/segment_arms.py`: the same network "
            "for a fixed stretch, by patient. Off.",
            module="ecgedge_export.literature.mitbih_beats",
        ),
        "shdb_af": Work(
            title="SHDB-AF and AF in Holter recordings",
            reference="Tsutsui et al., Scientific Data 12, 2025; RawECGNet, arXiv 2401.05411",
            claims="A network on the raw ECG finds AF of people whom it never saw with an F1 of 0.93, one on "
            "intervals alone with 0.91.",
            built="`export/ecgedge_export/data/databases/shdbaf.py` and "
            "`export/ecgedge_export/burden/run.py`: burden, episodes and windows by stream, by the "
            "shipped model and by a forest on intervals; "
            "`ecgedge-export evaluate burden` for whoever has the data.",
            module="ecgedge_export.literature.shdb_af",
        ),
        "shift": Work(
            title="Distribution shift and covariates",
            reference="Blaas et al., arXiv 2410.19575, 2024",
            claims=(
                "Where a disease and a covariate both shape the trace, and go together otherwise in another "
                "place, neither a model of the trace alone nor invariance penalties hold; one that sees the "
                "covariate does."
            ),
            built=(
                "`export/ecgedge_export/shift/anticausal.py` simulates it, "
                "`export/ecgedge_export/shift/arms.py` trains the arms on PTB-XL, "
                "`edge/ecgedge/rhythm/wearer.py` is the prior correction that a wearer's age switches on "
                "(`Monitor(wearer=...)`, `--age`). Which covariates of PTB-XL the publication takes we could "
                "not confirm: ours are age and sex."
            ),
            module="ecgedge_export.literature.shift",
        ),
        "lead_reconstruction": Work(
            title="Leads from fewer leads",
            reference="U-Net lead reconstruction, arXiv 2502.00559",
            claims="A 1-D U-Net gives twelve leads from a reduced set; V1 and V6 come back best, V3 worst.",
            built="A U-Net of 22,000 parameters from lead I at 100 Hz "
            "(`export/ecgedge_export/leads/net.py`), INT8, run by `edge/ecgedge/leads/stage.py`. Sums of "
            "convolutions stand for concatenations, which is the same; sizes are ours: the publication's are "
            "not known here. PTB itself is not at hand.",
            module="ecgedge_export.literature.lead_reconstruction",
        ),
        "tolerant": Work(
            "TolerantECG: distillation from clean and complete recordings",
            "arXiv 2507.09887",
            "A student that sees noisy or missing leads, taught by a momentum teacher that sees them clean "
            "and complete, and by text, diagnoses better under both.",
            "`export/ecgedge_export/pretrain/reports/tolerant.py` (objective), "
            "`export/ecgedge_export/pretrain/studies/tolerance.py` (noise). The teacher averages what it "
            "makes of eight leads; text is made of the signs of each SCP statement, without a language "
            "model.",
            "ecgedge_export.literature.rows.tolerant",
        ),
        "melp": Work(
            "MELP: reports teach tokens, beats and rhythm",
            "arXiv 2506.21803",
            "A 12-lead network that is matched with reports at three levels names diagnoses from a sentence.",
            "`export/ecgedge_export/pretrain/reports/melp.py` (objective), "
            "`export/ecgedge_export/pretrain/studies/levels.py` (ablation), "
            "`export/ecgedge_export/pretrain/studies/zero_shot.py` (sentences). A lead-I student follows a "
            "teacher of eight leads; reports are character TF-IDF with an SVD, and vectors of a language "
            "model can be given instead (`ecgedge-export pretrain melp --reports FILE`).",
            "ecgedge_export.literature.rows.melp",
        ),
    }
)


def work(name: str) -> Work:
    """Return a work by its name.

    Raises
    ------
    ConfigError
        There is none of that name.
    """
    if name not in WORKS:
        raise ConfigError(f"no work {name}: {hint(name, WORKS)}")
    return WORKS[name]


def measure(name: str, job: Job) -> Measured:
    """Test a work."""
    row = cast(Row, importlib.import_module(work(name).module))
    return row.measure(job)
