"""Embedding caches: what is written is what is read, and nothing else is accepted."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import wfdb

from ecgedge_bridge.errors import ConfigError, ModelError
from ecgedge_export import data
from ecgedge_export.teachers import EmbeddingCache, Teacher, fill

DIGEST = "0123456789abcdef" * 4


@dataclass
class Moments:
    """A teacher of two numbers: mean and maximum."""

    name: str = "moments"
    preset: str = "none"
    sha256: str = DIGEST
    dim: int = 2

    def embed(self, signal, fs):
        return np.array([signal.mean(), signal.max()], np.float32)


@pytest.fixture
def cache():
    rng = np.random.default_rng(0)
    return EmbeddingCache(
        "heartlang",
        "lead I, 100 Hz",
        DIGEST,
        np.array(["A00001", "A00001", "A00002"]),
        np.array([0, 3000, 0]),
        rng.standard_normal((3, 128)).astype(np.float16),
    )


def test_what_is_written_is_what_is_read(cache, tmp_path):
    path = tmp_path / "heartlang.npz"
    cache.save(path)
    read = EmbeddingCache.load(path, teacher="heartlang", sha256=DIGEST)
    assert (read.teacher, read.preset, read.sha256, read.dim, len(read)) == (
        "heartlang",
        "lead I, 100 Hz",
        DIGEST,
        128,
        3,
    )
    for record_id, start in (("A00001", 0), ("A00001", 3000), ("A00002", 0)):
        assert (record_id, start) in read
        vector = read.vector_of(record_id, start)
        assert vector.dtype == np.float32
        np.testing.assert_array_equal(vector, cache.vector_of(record_id, start))
    assert ("A00002", 3000) not in read
    with pytest.raises(KeyError, match="A00002 from sample 3000"):
        read.vector_of("A00002", 3000)
    assert [p.name for p in tmp_path.iterdir()] == ["heartlang.npz"]


def test_a_file_from_elsewhere(tmp_path):
    """Written with numpy alone, after the table in the module's documentation."""
    path = tmp_path / "melp.npz"
    np.savez(
        path,
        format="ecgedge-embeddings-1",
        teacher="melp",
        preset="min-max, 12 leads",
        sha256=DIGEST,
        record_id=["34"],
        start=np.array([0], np.int64),
        vector=np.full((1, 4), 0.5, np.float16),
    )
    assert EmbeddingCache.load(path).vector_of("34", 0).tolist() == [0.5] * 4


@pytest.mark.parametrize("what", [{"teacher": "melp"}, {"sha256": "f" * 64}])
def test_anothers_embeddings_are_refused(cache, tmp_path, what):
    cache.save(tmp_path / "x.npz")
    with pytest.raises(ModelError, match=f"made with {next(iter(what))}"):
        EmbeddingCache.load(tmp_path / "x.npz", **what)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vector": np.ones((3, 4), np.float32)}, "float16"),
        ({"vector": np.ones((2, 4), np.float16)}, "float16"),
        ({"vector": np.full((3, 4), np.inf, np.float16)}, "not finite"),
        ({"start": np.array([0, 1, 2], np.int32)}, "int64"),
        ({"start": np.array([0, -1, 2])}, "negative"),
        ({"start": np.array([0, 0, 0])}, "twice"),
        ({"record_id": np.array([1, 2, 3])}, "str"),
        ({"sha256": "unknown"}, "digest"),
        ({"teacher": ""}, "no name"),
    ],
)
def test_what_does_not_fit_is_refused(cache, change, message):
    with pytest.raises(ValueError, match=message):
        replace(cache, **change)


def test_a_file_that_is_none_is_refused(cache, tmp_path):
    path = tmp_path / "x.npz"
    with pytest.raises(ConfigError, match="no such file"):
        EmbeddingCache.load(path)
    path.write_bytes(b"nothing")
    with pytest.raises(ModelError, match="no cache of embeddings"):
        EmbeddingCache.load(path)
    np.savez(path, format="ecgedge-embeddings-9")
    with pytest.raises(ModelError, match="ecgedge-embeddings-9"):
        EmbeddingCache.load(path)
    np.savez(path, format="ecgedge-embeddings-1", teacher="x")
    with pytest.raises(ModelError, match="preset"):
        EmbeddingCache.load(path)
    cache.save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ModelError, match="no cache of embeddings"):
        EmbeddingCache.load(path)


def test_pickled_objects_are_refused(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, format=np.array("ecgedge-embeddings-1"), teacher=np.array({"a": 1}, dtype=object))
    with pytest.raises(ModelError, match="no cache of embeddings"):
        EmbeddingCache.load(path)


def test_fill_embeds_every_whole_window(tmp_path, monkeypatch):
    monkeypatch.setenv("ECGEDGE_DATA", str(tmp_path))
    folder = tmp_path / "ltafdb"
    folder.mkdir()
    ramp = np.repeat(np.arange(25.0), 128)[:, None] / 100  # mV: the second it is
    ramp[20 * 128 + 5] = np.nan
    wfdb.wrsamp(
        "00", fs=128, units=["mV"], sig_name=["ECG"], p_signal=ramp, fmt=["16"], write_dir=str(folder)
    )
    teacher: Teacher = Moments()
    cache = fill(teacher, data.ltafdb(), window_s=10.0, hop_s=5.0)
    assert cache.start.tolist() == [0, 640, 1280]  # the one from 15 s has the invalid sample
    assert (cache.teacher, cache.sha256) == ("moments", DIGEST)
    np.testing.assert_allclose(cache.vector_of("00", 640), [0.095, 0.14], atol=1e-3)
    with pytest.raises(ValueError, match="no record has a window"):
        fill(teacher, data.ltafdb(), window_s=60.0, hop_s=5.0)
