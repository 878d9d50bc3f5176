"""Tabulated rollouts whose chains follow from their calls."""

from collections.abc import Sequence
from dataclasses import replace

from lamas.domain import Rollout
from lamas.domain.operator_outcome import ChainOutcome
from tests.factories import Step, make_call, make_rollout

Answer = tuple[str | None, float, int]
"""What a chain answered, its score, its tokens; it takes a second for every 128 of them."""


def tabulated(
    operator: str = "Generate",
    *answers: Answer,
    problem: int = 0,
    sample: int = 0,
    retry: int = 0,
    run_id: str = "run-1",
    error: str | None = None,
) -> Rollout:
    """One cell of a table; `error` makes it a failed one."""
    answers = answers or (("2", 1.0, 100),)
    calls = tuple(
        make_call(tokens, branch=branch, seconds=tokens / 128, cost_usd=tokens / 1e6)
        for branch, (_, _, tokens) in enumerate(answers)
    )
    made = make_rollout(
        [[Step(operator=operator, calls=calls, error=error)]],
        rollout_id=f"{run_id}/{operator}/{problem}/{sample}/{retry}",
        run_id=run_id,
        problem_id=f"sums/v1/{problem}",
        checkpoint_id=None,
        policy=operator,
        purpose="tabulate",
        mode="fixed",
        at_step=0,
        sample_index=sample,
        retry=retry,
        score=score_of_the_vote(answers),
    )
    if error:
        return made
    (invocation,) = made.trace.invocations
    return replace(
        made,
        trace=replace(
            made.trace,
            invocations=(replace(invocation, candidates=("It is 2.",) * len(answers)),),
        ),
        chains=tuple(
            ChainOutcome(
                answer_key=key,
                score=score,
                cp_tokens=float(tokens),
                seconds=call.seconds,
            )
            for (key, score, tokens), call in zip(answers, invocation.calls, strict=True)
        ),
    )


def score_of_the_vote(answers: Sequence[Answer]) -> float:
    """Of the first answer that most have; of the first where none can be read."""
    keys = [key for key, _, _ in answers]
    most = max(keys, key=lambda key: -1 if key is None else keys.count(key))
    return answers[keys.index(most)][1]
