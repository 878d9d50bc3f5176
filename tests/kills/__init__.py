"""Runs that are killed again and again, and what must hold afterwards."""
