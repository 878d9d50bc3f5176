"""Hydra configuration: each folder a group, each file an option, experiment/ on top."""
