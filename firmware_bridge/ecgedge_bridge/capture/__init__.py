"""Raw notifications in a file: the format, recording, replay."""
