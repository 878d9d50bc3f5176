"""ScEnsemble: the most consistent of the candidates."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import ClassVar

from lamas.answers.aside import find
from lamas.domain import OperatorSpec, Problem
from lamas.operators.chain import Chain
from lamas.operators.operator import Operator
from lamas.operators.prompts import Places
from lamas.operators.state import Candidate, SolutionState
from lamas.operators.text import lettered, position_of


class ScEnsemble(Operator):
    """Votes over the answers read from the candidates, or asks the model for a letter."""

    spec = OperatorSpec(
        name="ScEnsemble",
        description="Compares the candidate solutions and keeps the most consistent one.",
        needs=2,
        replaces=True,
    )
    templates: ClassVar[Mapping[str, Places]] = {"main": Places({"candidates"})}

    async def run(
        self, problem: Problem, state: SolutionState, chain: Chain
    ) -> tuple[Candidate, ...]:
        candidates = state.candidates
        if len(candidates) == 1:
            # A layer may have ended with its first chain that passed the public tests.
            return candidates
        votes: Sequence[str | None] = ()
        if self.settings.ensemble != "model":
            votes = [await self.read_answer(problem, candidate.text) for candidate in candidates]
            winner = strict_plurality(votes)
            if winner is None and self.settings.ensemble == "plurality":
                winner = first_most_frequent(votes)
            if winner is not None:
                return (candidates[winner],)
        shown = lettered([item.text for item in candidates], self.settings.shown_characters)
        reply = await chain.complete(self.messages(problem, "main", candidates=shown))
        letter = await find("letter", reply, count=len(candidates))
        picked = position_of(letter.form, len(candidates))
        # A reply that names no candidate still has to leave one: the first of the most frequent.
        return (candidates[first_most_frequent(votes) if picked is None else picked],)


def strict_plurality(votes: Sequence[str | None]) -> int | None:
    """Position of the first vote for the one most frequent answer; None at a tie or without votes.

    A candidate without a readable answer (None) does not vote.
    """
    counts = Counter(vote for vote in votes if vote is not None).most_common(2)
    if not counts or (len(counts) == 2 and counts[0][1] == counts[1][1]):
        return None
    return votes.index(counts[0][0])


def first_most_frequent(votes: Sequence[str | None]) -> int:
    """Position of the first vote for a most frequent answer; 0 without votes."""
    counts = Counter(vote for vote in votes if vote is not None)
    if not counts:
        return 0
    most = max(counts.values())
    return min(votes.index(answer) for answer, count in counts.items() if count == most)
