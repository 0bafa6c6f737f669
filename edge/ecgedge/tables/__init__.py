"""Recordings and events as tables: for a spreadsheet, pandas, or a statistics program."""
