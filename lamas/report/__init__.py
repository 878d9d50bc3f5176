"""How results look: tables for terminal and Markdown, charts, HTML pages; records in, text out."""
