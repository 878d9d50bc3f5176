"""Which role follows which: a probabilistic automaton of the runs of equal roles.

Pythia (arXiv 2604.25899, as summaries give it): role sequences of sessions become an automaton
whose transitions under 5 % are dropped. Ours is that runs are its states, because between calls the
way out of a long run is rarer than 5 %: a role stays with probability 1 − 1 / (mean run), else it
goes where its runs went. Steps are expectations of that Markov chain.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby, pairwise

import numpy as np

from lamas.errors import DomainError

RARE = 0.05
END = "\x00end"
START = "\x00start"


def runs_of(sequence: Sequence[str]) -> list[tuple[str, int]]:
    """Roles in the order in which they come up, and how many calls in a row each makes then."""
    return [(role, len(list(run))) for role, run in groupby(sequence)]


class RoleAutomaton:
    """Which run follows which, from the start to the end of a session, and how long runs are."""

    def __init__(
        self,
        following: Mapping[str, Mapping[str, float]],
        mean_runs: Mapping[str, float],
    ) -> None:
        """Probabilities by role and next other role, each row summing to 1; mean calls of a run."""
        self.following = following
        self.mean_runs = mean_runs
        self.roles = tuple(sorted(mean_runs))
        self._to_end = self._steps_to(END)
        self._between = {role: self._steps_to(role) for role in self.roles}

    @classmethod
    def fit(cls, sequences: Sequence[Sequence[str]], *, rare: float = RARE) -> "RoleAutomaton":
        """Count, drop what is rarer than `rare` of its row, normalise.

        A transition to the end is never dropped. DomainError without a call.
        """
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        lengths: defaultdict[str, list[int]] = defaultdict(list)
        for sequence in sequences:
            if not sequence:
                continue
            runs = runs_of(sequence)
            for role, length in runs:
                lengths[role].append(length)
            for role, after in pairwise([START, *(role for role, _ in runs), END]):
                counts[role][after] += 1
        if not counts:
            raise DomainError("an automaton of roles needs at least one session with a call")
        found: dict[str, dict[str, float]] = {}
        for role, row in counts.items():
            least = rare * row.total()
            kept = {after: count for after, count in row.items() if count >= least or after == END}
            total = sum(kept.values())
            found[role] = {after: count / total for after, count in kept.items()}
        return cls(found, {role: sum(seen) / len(seen) for role, seen in lengths.items()})

    def steps_to_end(self, role: str) -> float:
        """Expected calls to the end of the session, the current one included; 1 for a stranger."""
        return self._to_end.get(role, 1.0)

    def steps_to(self, role: str, target: str) -> float:
        """Expected steps from `role` to the next call of `target`, ≥ 1.

        Infinity if it may never come. Of a role to itself: to its own next call.
        """
        return self._between.get(target, {}).get(role, float("inf"))

    def allows(self, sequence: Sequence[str]) -> bool:
        """Whether every change of role in a session is one of the automaton's."""
        path = [START, *(role for role, _ in runs_of(sequence)), END]
        return all(after in self.following.get(role, {}) for role, after in pairwise(path))

    def transition(self, role: str) -> dict[str, float]:
        """Probabilities of who makes the call after one of `role`; the end is a role too."""
        leaves = 1.0 / self.mean_runs[role]
        found = {after: leaves * share for after, share in self.following[role].items()}
        if leaves < 1.0:
            found[role] = found.get(role, 0.0) + 1.0 - leaves
        return found

    def _steps_to(self, target: str) -> dict[str, float]:
        """By role: expected steps to `target`; roles that may miss it are left out."""
        rows = {role: self.transition(role) for role in self.roles}
        sure = _certain(rows, target)
        certain = [role for role in self.roles if role in sure]
        place = {role: at for at, role in enumerate(certain)}
        inner = np.zeros((len(certain), len(certain)))
        for role in certain:
            for after, share in rows[role].items():
                if after != target and after in place:
                    inner[place[role], place[after]] = share
        steps = np.linalg.solve(np.eye(len(certain)) - inner, np.ones(len(certain)))
        return {role: float(steps[at]) for role, at in place.items()}


def _certain(rows: Mapping[str, Mapping[str, float]], target: str) -> set[str]:
    """Roles from which every path that goes on for ever or ends meets the target."""
    can = _closure(rows, lambda after, found: after == target or after in found)
    lost = set(rows) - can

    def misses(after: str, found: set[str]) -> bool:
        return after != target and (after == END or after in found)

    return set(rows) - _closure(rows, misses, lost)


def _closure(
    rows: Mapping[str, Mapping[str, float]],
    leads: Callable[[str, set[str]], bool],
    begin: set[str] | None = None,
) -> set[str]:
    """The least set that holds `begin` and every role with a transition that leads into it."""
    found = set(begin or ())
    while True:
        more = {
            role for role in set(rows) - found if any(leads(after, found) for after in rows[role])
        }
        if not more:
            return found
        found |= more
