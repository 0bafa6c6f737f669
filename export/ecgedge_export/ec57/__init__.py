"""Reports in the form of ANSI/AAMI EC57."""
