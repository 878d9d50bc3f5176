"""What conf/ may say, one file a group, and how overrides become it."""

from flows.settings.settings import Settings, validate

__all__ = ["Settings", "validate"]
