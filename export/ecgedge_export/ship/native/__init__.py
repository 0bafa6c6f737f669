"""What a bundle holds for native apps: the whole chain in C, and what proves a port of it."""
