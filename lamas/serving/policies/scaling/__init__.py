"""How many nodes are open: one file a rule."""
