"""What a report tells of a recording, as values: pure, in one pass."""
