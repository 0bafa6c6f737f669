"""The wave model: LUDB in folds by person, augmentation, training, scores against the CSE limits."""
