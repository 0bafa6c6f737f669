"""What microcontrollers need: C source and how much memory it takes."""
