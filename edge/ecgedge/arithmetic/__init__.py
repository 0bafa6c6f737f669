"""Numbers that come out the same, bit for bit, on every processor and in the compiled core."""
