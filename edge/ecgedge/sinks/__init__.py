"""Where events go: lines, the terminal, files. A new one is a module here and a row in ``registry.py``."""
