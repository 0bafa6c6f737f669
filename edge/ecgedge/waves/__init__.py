"""P, QRS and T of each beat, and the intervals between them: what the network sees, borders, stage."""
