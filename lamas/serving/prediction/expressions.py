"""Bounded expressions of roles such as (engineer){3,6}, and how many sessions they cover.

The form is Pythia's (arXiv 2604.25899, as summaries give it). The bounds are ours: the shortest run
of a role that was seen, and the run that 95 % of them do not exceed.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from lamas.serving.prediction.automaton import runs_of

RUN_LEVEL = 0.95


class BoundedExpressions:
    """How often a role is called in a row: (role){low,high}, and the whole session from them."""

    def __init__(self, bounds: Mapping[str, tuple[int, int]], longest: int) -> None:
        self.bounds = dict(bounds)
        self.longest = longest
        """Most runs of a session that were seen."""

    @classmethod
    def fit(cls, sequences: Sequence[Sequence[str]]) -> "BoundedExpressions":
        """From the runs of equal roles in training sessions."""
        runs: defaultdict[str, list[int]] = defaultdict(list)
        longest = 1
        for sequence in sequences:
            grouped = runs_of(sequence)
            longest = max(longest, len(grouped))
            for role, length in grouped:
                runs[role].append(length)
        bounds = {
            role: (min(found), int(np.quantile(found, RUN_LEVEL, method="higher")))
            for role, found in sorted(runs.items())
        }
        return cls(bounds, longest)

    def of_role(self, role: str) -> str:
        """The printed expression of one role."""
        low, high = self.bounds[role]
        return f"({role}){{{low},{high}}}"

    @property
    def of_session(self) -> str:
        """The printed expression of a whole session."""
        return f"({'|'.join(map(self.of_role, self.bounds))}){{1,{self.longest}}}"

    def run_coverage(self, sequences: Sequence[Sequence[str]]) -> float:
        """Share of the runs of held-out sessions that lie within their role's bounds."""
        inside = total = 0
        for sequence in sequences:
            for role, length in runs_of(sequence):
                low, high = self.bounds.get(role, (1, 0))
                inside += low <= length <= high
                total += 1
        return inside / total if total else float("nan")

    def session_coverage(self, sequences: Sequence[Sequence[str]]) -> float:
        """Share of held-out sessions that the whole expression matches."""
        letters = {role: chr(0xE000 + place) for place, role in enumerate(self.bounds)}
        parts = [f"{letters[role]}{{{low},{high}}}" for role, (low, high) in self.bounds.items()]
        pattern = re.compile(f"(?:{'|'.join(parts)}){{1,{self.longest}}}")
        matched = sum(
            pattern.fullmatch("".join(letters.get(role, "\x00") for role in sequence)) is not None
            for sequence in sequences
        )
        return matched / len(sequences) if sequences else float("nan")
