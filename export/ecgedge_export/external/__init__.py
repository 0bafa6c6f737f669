"""Anybody's recordings, scored: a folder of WFDB records with beats, rhythms or a table of labels."""
