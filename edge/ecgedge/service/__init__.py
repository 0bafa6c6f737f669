"""Listening to a wearable from the start of the machine: the systemd unit, and what systemd is told."""
