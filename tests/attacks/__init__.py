"""`python -m tests.attacks`: every attack of the suite, and what stopped it."""
