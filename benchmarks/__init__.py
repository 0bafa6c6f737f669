"""Benchmarks: one question a module, beside what a user would pick instead; see README.md here."""
