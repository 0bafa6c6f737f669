"""A demonstration without hardware: synthetic ECG, a programme, a virtual strap."""
