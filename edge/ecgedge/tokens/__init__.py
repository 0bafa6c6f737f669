"""Beats as words: a code, an interval and a height for each, in three bytes.

>>> import ecgedge
>>> from ecgedge.demo.synthetic import Segment, synthesize
>>> mv = synthesize([Segment("sinus", 60.0, 70.0)], 130.0, seed=1).mv
>>> sentence = ecgedge.tokens.encode(mv, fs=130)
>>> ecgedge.tokens.Sentence.from_bytes(sentence.to_bytes()).duration_s
60.0
>>> len(ecgedge.tokens.decode(sentence, fs=130).mv) == len(mv)
True
"""

from __future__ import annotations

from ecgedge_bridge.lazy import LazyNames

_names = LazyNames(
    __name__,
    {
        "ecgedge.tokens.coding": "Decoded decode encode",
        "ecgedge.tokens.decoder": "Fidelity",
        "ecgedge.tokens.model": "WordModel",
        "ecgedge.tokens.sentence": "Sentence",
    },
)
__all__ = _names.all
__getattr__ = _names.load
__dir__ = _names.dir
