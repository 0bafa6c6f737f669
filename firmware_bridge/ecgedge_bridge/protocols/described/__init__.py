"""Devices that a TOML file describes."""
