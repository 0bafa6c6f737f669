"""WFDB records, read after PhysioNet's header(5) and signal(5)."""
