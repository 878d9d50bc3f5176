"""The report of a run: what its queries return, drawn and written into one HTML file."""
