"""The rhythm model: augmentation, teachers, training to shipped folder, scores under many conditions."""
