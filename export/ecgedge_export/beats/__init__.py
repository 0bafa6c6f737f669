"""The beat detector: views of annotated ECG, training, scores."""
