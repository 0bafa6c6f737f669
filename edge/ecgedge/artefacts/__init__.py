"""Model folders: manifest, checked JSON, golden vectors, inference runtimes."""
