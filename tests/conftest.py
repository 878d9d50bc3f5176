"""What every test of the project shares: how hypothesis runs, and a quiet end."""

from hypothesis import HealthCheck, settings

from flows.tidy_exit import hide_leak_report

hide_leak_report()

# A busy machine makes any example slow; wrong results are what these tests look for.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")
