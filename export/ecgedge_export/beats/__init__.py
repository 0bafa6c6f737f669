"""The beat detector: augmentation of annotated ECG, training, scores."""
