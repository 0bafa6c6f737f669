"""LiteRT's C++ side writes a line about its XNNPACK delegate to stderr, and has no switch against it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_IDLE_TALK = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU."
# File descriptor 2 belongs to the whole process: one at a time may borrow it.
_LOCK = threading.Lock()


@contextmanager
def without_idle_talk() -> Iterator[None]:
    """Drop that one line from what is written to file descriptor 2; all else comes out afterwards.

    What other threads write to stderr meanwhile comes late by the time that a model takes to load. Where the
    process has no stderr nothing is done.
    """
    import tempfile  # heavy, and LiteRT alone needs it

    with _LOCK, tempfile.TemporaryFile() as kept:
        try:
            stderr = os.dup(2)
        except OSError:  # a service without stderr
            yield
            return
        try:
            os.dup2(kept.fileno(), 2)
            yield
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            kept.seek(0)
            rest = b"".join(line for line in kept if line.strip() != _IDLE_TALK)
            if rest:
                os.write(2, rest)
