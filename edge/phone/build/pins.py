"""The versions in ``pins.toml``, and where things are kept."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
REPOSITORY = FOLDER.parents[2]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "ecgedge-phone"

_PINS = tomllib.loads((FOLDER / "pins.toml").read_text(encoding="utf-8"))
PYODIDE, NUMPY = _PINS["pyodide"], _PINS["numpy"]
PYTHON: str = PYODIDE["python"]
ABI: str = PYODIDE["abi"]
EMSCRIPTEN: str = _PINS["emscripten"]["version"]
TOOLS: dict[str, str] = _PINS["tools"]
