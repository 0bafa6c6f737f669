"""What the questions share: machine, figures, signals, processes, data sets."""
