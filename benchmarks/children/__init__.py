"""Processes that the questions start; nothing is imported here, since some measure their own memory."""
