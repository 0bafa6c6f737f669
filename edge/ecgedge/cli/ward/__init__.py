"""Commands of a ward: `forward` and `gateway`, and what they open."""
