"""The DuckDB warehouse: migrations, writer, reader, views, audits, checkpoint registry."""
