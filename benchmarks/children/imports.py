"""Seconds and resident memory that imports take; before they are measured this imports next to nothing."""

import sys
import time
from importlib import import_module


def ready_to_work() -> None:
    """What a process that listens to a strap loads before the first sample."""
    ecgedge = import_module("ecgedge")
    assert ecgedge.connect is not None  # imports bleak
    ecgedge.Monitor()


def main() -> None:
    """Import the modules that the arguments name; ``ready`` loads the models too."""
    begun = time.perf_counter()
    for name in sys.argv[1:]:
        if name == "ready":
            ready_to_work()
        else:
            import_module(name)
    seconds = time.perf_counter() - begun

    # What this needs itself is imported once the others are measured.
    found = {"seconds": seconds, "rss_kb": import_module("benchmarks.harness.resident").rss_kb()}
    print("\n" + import_module("json").dumps(found))


if __name__ == "__main__":
    main()
