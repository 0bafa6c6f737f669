"""The noise gate: features, model, stage."""
