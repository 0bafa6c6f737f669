"""What is measured of some encoders beside the common table: noise, the levels of a teacher, zero-shot."""
