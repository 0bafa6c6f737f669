"""Pre-training without labels of rhythm or diagnosis: one trainer, one encoder, one objective a file."""
