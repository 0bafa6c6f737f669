"""The commands, one module for each; each imports what it needs when it runs, so that ``--help`` is fast."""
