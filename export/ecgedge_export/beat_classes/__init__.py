"""The beat-class model: what it learns from, training, folds of DS1, scores, the shipped folder."""
