"""``ecgedge doctor``: what is measured of a wearable, and what the findings are."""
