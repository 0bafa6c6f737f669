"""One file for each data set: what its official layout means."""
