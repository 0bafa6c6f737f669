"""The word model: beats cut out, a vector-quantized codebook, what its telemetry loses."""
