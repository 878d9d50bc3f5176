"""Prefect itself: which server, who may ask it, its limits, assets, lost events, what it prints."""
