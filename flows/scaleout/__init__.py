"""Rollouts over several processes or machines, on an engine that is there already."""
