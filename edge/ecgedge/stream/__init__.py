"""From blocks of samples to windows: filters, ring, segment, stages, pipeline. The laws live here."""
