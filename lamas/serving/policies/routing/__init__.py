"""Which node a call waits at: one file a rule."""
