"""The report of a comparison: its records, charts, tables, claims and page."""
