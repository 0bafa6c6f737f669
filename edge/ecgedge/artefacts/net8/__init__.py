"""Int8 networks that the package runs itself: a TFLite file read, laid out in memory, and computed."""
