"""Which flows a Prefect server runs by itself, and the process that runs them on one machine."""
