"""Forms in which makers and hospitals hand out an ECG, one module each."""
