"""Bytes to values, and the dialogue over a connection; no I/O. One folder for each family of devices."""
