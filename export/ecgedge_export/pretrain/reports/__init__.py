"""Text beside recordings: reports and statements as vectors, and losses that match them with signals."""
