"""In place of numpy's LAPACK: 2 MB that nothing here calls, as its last digits are each machine's own."""

from typing import Any


def __getattr__(name: str) -> Any:
    """Say what is missing when it is asked for: numpy imports this module itself."""
    raise AttributeError(f"the phone app has no numpy.linalg, and {name} is of it: see edge/phone/README.md")
