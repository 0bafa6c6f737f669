"""A ward: nodes that forward wearables, and one process that decodes, judges, records and shows them all."""
