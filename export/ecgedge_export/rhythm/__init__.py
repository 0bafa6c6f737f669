"""The rhythm model: views, teachers, training to shipped folder, scores under many conditions."""
