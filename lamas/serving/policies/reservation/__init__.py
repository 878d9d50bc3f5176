"""How much memory an answer gets: one file a rule."""
