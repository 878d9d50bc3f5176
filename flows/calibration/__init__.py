"""Fitting the simulated endpoint to a run's rollouts, and comparing it with them."""
