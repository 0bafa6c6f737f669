"""tflite-runtime: no other analysis but another runtime for our own models, on 32-bit boards the only one."""

from benchmarks.rivals.adapter import Rival


class TfliteRuntime(Rival):
    """It fails beside numpy 2, so it cannot share an environment with anything else here."""

    environment = "own"
    runtime = "tflite"


RIVAL = TfliteRuntime()
