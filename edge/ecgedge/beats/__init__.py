"""Finding R peaks: the network, the detector, the stage."""
