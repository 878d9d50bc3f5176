"""Which weights lie in a node's memory: one file a rule."""
