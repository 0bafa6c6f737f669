"""Where a report's signal and events come from: file, wearable, models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Origin"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Who made what a report shows.

    Parameters
    ----------
    name : str
        Of the file, without its folder.
    channel : str
        Name of the lead, "" where it has none.
    recorded : bool
        Whether events are those that were recorded, or found for the report.
    sessions : tuple of dict
        What each session of a recording says of itself.
    digests : dict
        Sha256 of the models in this package, by their name.
    version : str
        Of this package.
    """

    name: str
    channel: str = ""
    recorded: bool = False
    sessions: tuple[Mapping[str, Any], ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    version: str = ""

    def used(self) -> dict[str, list[str]]:
        """Return the digests of the models that found the events, by name, each once."""
        if not self.recorded:
            return {name: [digest] for name, digest in self.digests.items()}
        used: dict[str, list[str]] = {}
        for facts in self.sessions:
            models = facts.get("models")
            for name, digest in models.items() if isinstance(models, dict) else ():
                if str(digest) not in used.setdefault(str(name), []):
                    used[str(name)].append(str(digest))
        return used

    def said(self, *keys: str) -> Iterator[str]:
        """Yield what the sessions say under some keys, each once."""
        found = (facts.get(key) for key in keys for facts in self.sessions)
        yield from dict.fromkeys(str(value) for value in found if value not in (None, "", False))
