"""From a float network to two INT8 files of one calibration, proven to agree."""
