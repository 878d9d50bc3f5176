"""Prefect itself: which server, who may speak to it, and the process it runs in."""
