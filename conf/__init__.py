"""Hydra configuration: each folder a group, each file an option, experiment/ on top."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent
