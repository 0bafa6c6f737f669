"""Twelve leads guessed from one: what the network sees, stage, public helper."""
