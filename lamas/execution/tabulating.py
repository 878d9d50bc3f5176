"""Which rollouts an outcome table owes, and what one of them says about each of its chains."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lamas.benchmarks.benchmark import Benchmark, Score
from lamas.domain import (
    ExecutionGraph,
    GraphChoice,
    OperatorSet,
    PlannedRollout,
    Problem,
    Trace,
)
from lamas.domain.operator_outcome import ChainOutcome, OperatorOutcome
from lamas.errors import ConfigurationError, DomainError
from lamas.execution.fixed import certain_decisions
from lamas.execution.planning import PlanKey, plan
from lamas.operators.sc_ensemble import first_most_frequent
from lamas.timing.chain_lengths import chain_lengths


def tabulated_graphs(operators: OperatorSet) -> tuple[ExecutionGraph, ...]:
    """One graph for each operator that reads no predecessor, in catalogue order.

    Raises ConfigurationError when there is none.
    """
    names = [spec.name for spec in operators.tabulated]
    if not names:
        raise ConfigurationError(
            f"none of the operators {', '.join(operators.names)} can be tabulated: each reads what "
            "others leave, or leaves nothing; add one such as Generate to operators.enabled"
        )
    return tuple(ExecutionGraph.of([[name]], operators) for name in names)


def tabulating_plans(
    operators: OperatorSet, problems: Sequence[Problem], *, samples: int, run_id: str, seed: int
) -> tuple[PlannedRollout, ...]:
    """Problem by problem every sample of every operator that reads no predecessor."""
    choices = [
        GraphChoice(graph, certain_decisions(graph, operators))
        for graph in tabulated_graphs(operators)
    ]
    return tuple(
        plan(
            PlanKey(
                run_id=run_id,
                purpose="tabulate",
                policy=choice.graph.layers[0].operators[0],
                checkpoint_id=None,
                mode="fixed",
                execution_mode="parallel",
                step=0,
            ),
            problem,
            choice,
            sample_index=sample,
            seed=seed,
        )
        for problem in problems
        for sample in range(samples)
        for choice in choices
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedChains:
    """What the candidates of one operator came to."""

    chains: tuple[ChainOutcome, ...]
    answer: str
    """Text of the candidate that a vote without asking picks: the first of the most frequent."""
    score: Score
    """Of that candidate; its runs are those that judged all of them."""


async def judged_chains(trace: Trace, problem: Problem, benchmark: Benchmark) -> JudgedChains:
    """Read and score every candidate of a tabulated rollout; raises what the benchmark raises."""
    (invocation,) = trace.invocations
    texts = invocation.candidates
    keys = [await benchmark.extract(problem, text) for text in texts]
    scores: dict[str, Score] = {}
    for text in texts:
        if text not in scores:
            scores[text] = await benchmark.score(problem, text)
    chosen = texts[first_most_frequent(keys)]
    picked = scores[chosen]
    return JudgedChains(
        chains=tuple(
            ChainOutcome(
                answer_key=key,
                score=scores[text].value,
                cp_tokens=length.cp_tokens,
                seconds=length.seconds,
            )
            for key, text, length in zip(
                keys, texts, chain_lengths(invocation, trace.gamma), strict=True
            )
        ),
        answer=chosen,
        score=Score(
            value=picked.value,
            extracted=picked.extracted,
            runs=tuple(run for score in scores.values() for run in score.runs),
        ),
    )


def whole_problems(
    outcomes: Iterable[OperatorOutcome], operators: OperatorSet, *, samples: int
) -> tuple[OperatorOutcome, ...]:
    """The outcomes of problems of which no cell failed or is missing.

    Raises DomainError when there is no such problem.
    """
    names = {spec.name for spec in operators.tabulated}
    found = [item for item in outcomes if item.operator in names and item.sample < samples]
    cells: dict[str, int] = {}
    for item in found:
        cells[item.problem_id] = cells.get(item.problem_id, 0) + 1
    whole = {problem for problem, count in cells.items() if count == len(names) * samples}
    if not whole:
        raise DomainError(
            f"no problem has {samples} finished {'sample' if samples == 1 else 'samples'} of each "
            f"of {', '.join(sorted(names))}: `lamas tabulate` with the same overrides first"
        )
    return tuple(item for item in found if item.problem_id in whole)
