"""Bytes to values and what is said over a connection; no I/O. One folder for each family of devices."""
