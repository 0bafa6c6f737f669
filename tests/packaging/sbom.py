"""The software bill of materials of a release: what is installed beside ecgedge, as CycloneDX 1.5 JSON.

``python tests/packaging/sbom.py > sbom.json``; ``--extra export`` takes the packages of an extra in too. The
same environment gives the same bytes.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution


def closure(name: str, extras: Iterable[str] = ()) -> dict[str, Distribution]:
    """Installed distributions that a requirement brings, itself included, by normalised name."""
    found: dict[str, Distribution] = {}
    waiting = [(name, frozenset(extras))]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        wanted, asked = waiting.pop()
        if (wanted, asked) in seen:
            continue
        seen.add((wanted, asked))
        try:
            found[wanted] = dist = distribution(wanted)
        except PackageNotFoundError:
            continue
        for line in dist.requires or ():
            extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)", line)
            needed = re.match(r"([A-Za-z0-9._-]+)\s*(?:\[([^]]*)\])?", line)
            if needed and (extra is None or extra[1] in asked):
                inner = frozenset(part.strip() for part in (needed[2] or "").split(",") if part.strip())
                waiting.append((normalised(needed[1]), inner))
    return found


def normalised(name: str) -> str:
    """Name of a package as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def sbom(extras: Iterable[str] = ()) -> dict[str, object]:
    """CycloneDX document of the installed ecgedge."""
    parts = closure("ecgedge", extras)
    whole = parts.pop("ecgedge")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": _component("ecgedge", whole, "application")},
        "components": [_component(name, parts[name], "library") for name in sorted(parts)],
    }


def _component(name: str, dist: Distribution, kind: str) -> dict[str, object]:
    meta = dist.metadata
    licence = meta.get("License-Expression") or meta.get("License") or ""
    known = [{"license": {"name": licence.splitlines()[0][:100]}}] if licence.strip() else []
    purl = f"pkg:pypi/{name}@{dist.version}"
    return {
        "type": kind,
        "bom-ref": purl,
        "name": name,
        "version": dist.version,
        "purl": purl,
        "licenses": known,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--extra", action="append", default=[])
    sys.stdout.write(json.dumps(sbom(parser.parse_args().extra), indent=1) + "\n")


if __name__ == "__main__":
    main()
