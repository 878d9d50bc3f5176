"""Rollouts spread over the workers of an engine: shards, what they land, how it is taken in."""
