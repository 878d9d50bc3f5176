"""A home folder: who may write, backup, retention, whether a key is in it."""
