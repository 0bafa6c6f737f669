"""Files of other programs' forms: WFDB, EDF+, Parquet, FHIR."""
