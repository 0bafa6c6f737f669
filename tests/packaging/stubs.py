"""The ``__init__.pyi`` of the packages with lazy names: what type checkers read instead of the table.

``python tests/packaging/stubs.py`` writes them; a test keeps them fresh.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import ecgedge
import ecgedge.tokens
import ecgedge_bridge

PACKAGES = (ecgedge_bridge, ecgedge, ecgedge.tokens)
_HEAD = "# Written by `python tests/packaging/stubs.py` from the table in __init__.py.\n\n"


def path(package: ModuleType) -> Path:
    """Where the stub of a package lies."""
    return Path(str(package.__file__)).with_suffix(".pyi")


def stub(package: ModuleType) -> str:
    """What it has to hold: one import for each name, in the order that ruff sorts them into."""

    def rank(item: tuple[str, str]) -> tuple[str, int, str]:
        name, module = item
        return module, 0 if name.isupper() else 1 if name[0].isupper() else 2, name

    home = sorted(package._names.home.items(), key=rank)
    version = "\n__version__: str\n" if hasattr(package, "__version__") else ""
    return _HEAD + "".join(f"from {module} import {name} as {name}\n" for name, module in home) + version


if __name__ == "__main__":
    for one in PACKAGES:
        path(one).write_text(stub(one))
