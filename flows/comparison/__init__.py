"""Comparisons over training seeds: variants trained, evaluated on the same problems, weighed."""
