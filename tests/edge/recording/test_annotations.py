"""Annotation files: what the wfdb package reads is what was written."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st

from ecgedge.recording.wfdb.annotations import CODES, LONGEST_AUX, Annotation, encode_annotations

LATIN = st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f")


@st.composite
def rows(draw: st.DrawFn) -> list[Annotation]:
    at, made = 0, []
    steps = st.one_of(st.integers(0, 3), st.integers(1000, 1100), st.integers(0, 1 << 33))
    for step in draw(st.lists(steps, min_size=1, max_size=12)):
        at += step + (not made)  # wfdb takes every note at sample 0 for one of the file itself
        text = draw(st.text(LATIN, max_size=LONGEST_AUX))
        symbol = draw(st.sampled_from(sorted(CODES)))
        # A text that begins so is one of the file itself.
        text = "" if text.startswith("##") else text
        made.append(Annotation(at, symbol, draw(st.integers(-128, 127)), draw(st.integers(-128, 127)), text))
    return made


@settings(max_examples=40)
@given(rows(), st.sampled_from([None, 130.0, 129.97, 360.0]))
def test_wfdb_reads_what_was_written(made: list[Annotation], fs: float | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a.atr").write_bytes(b"".join(encode_annotations(made, fs)))
        found = wfdb.rdann(str(Path(folder, "a")), "atr")
    assert found.fs == fs
    columns = zip(found.sample, found.symbol, found.subtype, found.num, found.aux_note, strict=True)
    assert [Annotation(int(s), y, int(u), int(n), t) for s, y, u, n, t in columns] == made


def test_the_bytes_are_those_of_wfdbs_own_writer(tmp_path: Path) -> None:
    made = [Annotation(18, "+", text="(AFIB"), Annotation(77, "N"), Annotation(5000, "V")]
    columns = [[getattr(one, name) for one in made] for name in ("sample", "symbol", "text")]
    wfdb.wrann("a", "atr", np.array(columns[0]), columns[1], aux_note=columns[2], write_dir=str(tmp_path))
    assert b"".join(encode_annotations(made)) == (tmp_path / "a.atr").read_bytes()


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ([Annotation(5, "N"), Annotation(4, "N")], "behind one at 5"),
        ([Annotation(5, "X")], "the symbol 'X'"),
        ([Annotation(5, "N", text="x" * 256)], "a text of 256"),
        ([Annotation(5, "N", text="π")], "latin-1"),
    ],
)
def test_what_no_file_can_hold_is_refused(made: list[Annotation], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        list(encode_annotations(made))
