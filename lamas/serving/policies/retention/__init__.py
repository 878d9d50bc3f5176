"""Which prompts stay in memory after their calls: one file a rule."""
