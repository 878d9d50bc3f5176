"""Questions from outside answered by a controller."""
