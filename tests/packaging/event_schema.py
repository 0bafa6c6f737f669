"""``docs/events.schema.json``: what a line of ``--json`` may be.

``python tests/packaging/event_schema.py`` writes it; a test keeps it fresh.
"""

from __future__ import annotations

from pathlib import Path

from ecgedge_export.ship.native.event_schema import FILE, encoded

PATH = Path(__file__).parents[2] / "docs" / FILE

if __name__ == "__main__":
    PATH.write_text(encoded(), encoding="utf-8")
