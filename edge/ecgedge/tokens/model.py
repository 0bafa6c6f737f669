"""A word model folder, ready to name the word of a beat."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Self

from ecgedge.artefacts.backends import Backend, load_backend
from ecgedge.artefacts.backends.base import check_logits
from ecgedge.artefacts.folder import BUNDLED, NetworkFolder, load_weights
from ecgedge.artefacts.manifest import Manifest
from ecgedge.tokens.features import FS, Floats, N, model_input
from ecgedge.tokens.vocabulary import Vocabulary, VocabularyFile, gains
from ecgedge_bridge.errors import ModelError

NORMALISATION = "word_height"
ID_LENGTH = 8  # hexadecimal digits: one in four billion that two vocabularies have the same


class Spoken(NamedTuple):
    """The code of a word, and its height in mV."""

    code: int
    gain_mv: float


class WordModel(NetworkFolder):
    """A network that puts a beat near one of 256 codes, and the vocabulary of these.

    Parameters
    ----------
    manifest : Manifest
        Of task ``tokens``.
    backend : Backend
    vocabulary : Vocabulary

    Raises
    ------
    ModelError
        The manifest is of another task, or asks for what this version does not know.
    """

    task = "tokens"

    def __init__(self, manifest: Manifest, backend: Backend, vocabulary: Vocabulary) -> None:
        super().__init__(manifest, backend)
        kind, fs, n = manifest.normalisation.kind, manifest.fs, manifest.n_inputs
        if (kind, fs, n) != (NORMALISATION, FS, N):
            raise ModelError(
                f"the model wants {n} values by {kind!r} at {fs:g} Hz, this version knows {N} by "
                f"{NORMALISATION!r} at {FS:g} Hz: update ecgedge"
            )
        if manifest.n_outputs != vocabulary.codes.shape[1]:
            raise ModelError(
                f"the network gives {manifest.n_outputs} values, and codes have {vocabulary.codes.shape[1]}: "
                "give a whole model folder"
            )
        self.vocabulary = vocabulary

    @classmethod
    def load(cls, folder: str | Path | None = None, backend: str = "auto") -> Self:
        """Load a model folder, the one in the package where none is given.

        Raises
        ------
        ModelError
            Files are missing or changed, or no runtime for them is installed.
        """
        folder = BUNDLED / cls.task if folder is None else Path(folder)
        manifest, content, _ = load_weights(folder, cls.task, VocabularyFile, ())
        return cls(manifest, load_backend(folder, backend, manifest=manifest), Vocabulary.read(content))

    @property
    def id(self) -> str:
        """Name of the vocabulary, which a sentence carries: the first digits of its file's sha256."""
        assert self.manifest.weights is not None  # a manifest of this task has them
        return self.manifest.weights.sha256[:ID_LENGTH]

    def speak(self, word: Floats) -> Spoken:
        """Name a word, as :func:`ecgedge.tokens.features.word` cuts it: shape (96,), in mV."""
        place = check_logits(self.backend.run(model_input(word)[None, None]))
        code = int((self.vocabulary.codes @ place).argmax())
        gain = float(gains(word[None], self.vocabulary.waves[code][None])[0])
        return Spoken(code, max(0.0, gain))
