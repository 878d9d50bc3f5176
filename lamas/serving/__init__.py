"""When and where each call runs: what it belongs to, forecasts, policies, and a simulator."""
