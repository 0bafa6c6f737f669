"""Distribution shift: what stays true of a model where the people, the device or the place are others."""
