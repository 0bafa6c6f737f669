"""Import modules, or all that are on the phone; ``run.mjs`` runs this. Prints their names, and failures."""

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


if __name__ == "__main__":
    found = sys.argv[1:] or list(shipped(Path(json.__file__).parents[1]))
    sys.stdout.write(json.dumps({"found": found, "failed": failures(found)}) + "\n")
