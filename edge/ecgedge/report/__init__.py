"""The report: one page of what a recording holds, and the drawing that it is made of."""
