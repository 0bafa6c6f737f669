"""What somebody probably meant to write."""

from __future__ import annotations

from collections.abc import Sequence


def nearest(given: str, known: Sequence[str]) -> str:
    """Return the known word that is most like the given one; an empty text where none is.

    Examples
    --------
    >>> nearest("epoch", ["epochs", "batch"]), nearest("x", ["epochs", "batch"])
    ('epochs', '')
    """
    from difflib import get_close_matches  # for errors alone

    return next(iter(get_close_matches(given, known, 1, 0.5)), "")
