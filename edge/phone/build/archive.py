"""Packs: many files as one, compressed, the same bytes for the same files. ``python.js`` unpacks them."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping

# Servers take liberties with names that end in .gz: some send them as a compressed something else.
SUFFIX = ".pack"


def packed(files: Mapping[str, bytes]) -> bytes:
    """A tar of files by their paths, in gzip; no dates, no owners."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return compressed(plain.getvalue())


def compressed(data: bytes) -> bytes:
    """The data in gzip, without a date. ``gzip.compress`` says in a byte which Python it was."""
    target = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=target, mtime=0) as file:
        file.write(data)
    return target.getvalue()
