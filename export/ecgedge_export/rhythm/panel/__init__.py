"""Models that answer about each window as it was recorded, for a student that hears it with noise."""
