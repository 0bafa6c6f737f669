"""Recordings that survive a crash: signal, events and marks in one SQLite file."""
