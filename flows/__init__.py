"""Orchestration only: Prefect flows and tasks, the `lamas` command, wiring from configuration."""
