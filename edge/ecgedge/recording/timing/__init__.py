"""From the time stamps of a recording to its rate, its losses and the steps of its clock."""
