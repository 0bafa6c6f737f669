"""Text with rows of numbers: its encoding, its dialect, its columns, and what its cells mean."""
