"""Pure arithmetic on recorded times and tokens: longest chains, the critical path, slack."""

from lamas.timing.critical_path import cp_tokens, label, makespan_seconds, virtual_seconds
from lamas.timing.given_times import with_given_times
from lamas.timing.longest_chain import LongestChain, longest_chain

__all__ = [
    "LongestChain",
    "cp_tokens",
    "label",
    "longest_chain",
    "makespan_seconds",
    "virtual_seconds",
    "with_given_times",
]
