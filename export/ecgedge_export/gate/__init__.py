"""The noise gate: labelled stretches, training, scores across data sets."""
