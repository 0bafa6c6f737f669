"""Import modules, or all that are on the phone; ``run.mjs`` runs this.

As on the phone, after the models were loaded and what was imported for them was deleted. Prints the names,
failures, and bytes of files before and after.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path


def shipped(library: Path) -> Iterator[str]:
    """Names of the modules below a folder, packages too; those below site-packages by their own names."""
    for file in sorted(library.rglob("*.pyc")):
        parts = file.relative_to(library).with_suffix("").parts
        if parts[0] == "site-packages":
            parts = parts[1:]
        if parts[-1] != "__main__":
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def failures(names: list[str]) -> dict[str, str]:
    """What could not be imported, and why."""
    failed = {}
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:
            failed[name] = f"{type(error).__name__}: {error}"
    return failed


def size(library: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(file.stat().st_size for file in library.rglob("*") if file.is_file())


if __name__ == "__main__":
    from node import release

    from ecgedge.monitor import Models

    library = Path(json.__file__).parents[1]
    found = sys.argv[1:] or list(shipped(library))
    Models.load("core")
    bytes_before = size(library)
    release()
    said = {"bytes_before": bytes_before, "bytes_after": size(library), "found": found}
    sys.stdout.write(json.dumps(said | {"failed": failures(found)}) + "\n")
