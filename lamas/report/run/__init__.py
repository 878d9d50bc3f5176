"""The report of one run: its records, charts, tables and page."""
