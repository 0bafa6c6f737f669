"""Digests of events as the phone's Python finds them; ``run.mjs`` runs this, with names of files.

They lie in the folder where it was started, beside ``event_digests.py``: captures, and arrays (.npy) with
their rate in a text (.fs), since the phone has no ``numpy.random`` to make signals with.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ecgedge_bridge.capture.replay import replay
from ecgedge_bridge.values import SampleBlock


def digests(names: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Each file's name and the digest of its events."""
    sys.path.insert(0, str(Path.cwd()))
    import event_digests

    for name in names:
        file = Path(name)
        if file.suffix == ".cap":
            blocks = (event for event in replay(file) if isinstance(event, SampleBlock))
        else:
            blocks = event_digests.pieces(np.load(file), float(file.with_suffix(".fs").read_text()))
        yield name, event_digests.digest(blocks)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(dict(digests(sys.argv[1:]))) + "\n")
