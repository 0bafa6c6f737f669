"""Handing the built app out: on this machine alone, or in the house with a certificate."""
