"""``ecgedge doctor --self``: what this installation runs on, and whether its models are whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["examined"]

_MODELS = ("rhythm", "beat_classes", "beats", "gate", "waves", "tokens", "leads")


def examined() -> dict[str, Any]:
    """Versions, core, runtimes, and the state of each model; ``fault`` names what is broken, if anything.

    Examples
    --------
    >>> found = examined()
    >>> found["core"] in ("c", "numpy"), found["models"]["rhythm"], found["fault"]
    (True, 'whole', None)
    """
    import platform

    import numpy as np

    from ecgedge import __version__
    from ecgedge.arithmetic.core import absent, core_name
    from ecgedge.artefacts.backends import installed_backends

    models = dict(_states())
    broken = [name for name, state in models.items() if state != "whole"]
    return {
        "ecgedge": __version__,
        "python": f"{platform.python_version()} on {platform.machine()}",
        "numpy": np.__version__,
        "core": core_name(),
        "core_absent": absent,
        "runtimes": list(installed_backends()),
        "models": models,
        "fault": (f"damaged models: {', '.join(broken)}. Install ecgedge again" if broken else None),
    }


def _states() -> Iterator[tuple[str, str]]:
    """Each model of the package, and whether its files are those that were shipped."""
    from ecgedge.artefacts.folder import BUNDLED
    from ecgedge.artefacts.manifest import Manifest
    from ecgedge_bridge.errors import ModelError

    for name in _MODELS:
        try:
            Manifest.load(BUNDLED / name).verify(BUNDLED / name)
        except ModelError as error:
            yield name, str(error)
        else:
            yield name, "whole"
