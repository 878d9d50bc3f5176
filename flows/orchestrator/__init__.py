"""Prefect itself: which server, its limits, assets, lost events, what it may print."""
