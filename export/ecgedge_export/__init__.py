"""placeholder, replaced below."""
