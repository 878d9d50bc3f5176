"""LAMaS: learn, per query, which operators to run side by side and when to stop."""
