"""Lead reconstruction: a U-Net from lead I to the others, its linear floor, scores."""
