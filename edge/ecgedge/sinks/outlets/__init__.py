"""Sinks that somebody else listens to: each is opened by its scheme, and served behind a queue of its own."""
