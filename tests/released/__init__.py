"""Homes that released versions wrote, packed, and the command that makes them."""
