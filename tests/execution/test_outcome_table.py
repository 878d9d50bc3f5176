"""Graphs of tabulated operators: against running each by hand, and what a table refuses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamas.domain import ExecutionGraph, Layer, OperatorSet, OperatorSpec
from lamas.domain.operator_outcome import ChainOutcome, OperatorOutcome
from lamas.errors import ConfigurationError, DomainError
from lamas.execution.graph_values import graph_values, one_layer_graphs
from lamas.execution.outcome_table import OutcomeTable

OPERATORS = OperatorSet(
    (
        OperatorSpec(name="Fast", description="", adds=1),
        OperatorSpec(name="Slow", description="", adds=1),
        OperatorSpec(name="Three", description="", adds=3, draws=True),
        OperatorSpec(name="Refine", description="", needs=1, adds=1),
        OperatorSpec(name="Stop", description="", needs=1, stops=True),
    )
)
ROOTS = {"Fast": 1, "Slow": 1, "Three": 3}

chains = st.builds(
    ChainOutcome,
    answer_key=st.sampled_from([None, "a", "b"]),
    score=st.sampled_from([0.0, 0.5, 1.0]),
    cp_tokens=st.integers(0, 5).map(float),
    seconds=st.integers(0, 5).map(float),
)


@st.composite
def outcomes(draw: st.DrawFn, *, problems: int = 2, samples: int = 2) -> list[OperatorOutcome]:
    return [
        OperatorOutcome(
            problem_id=f"p{problem}",
            operator=name,
            sample=sample,
            chains=tuple(draw(st.lists(chains, min_size=count, max_size=count))),
            cost_usd=draw(st.integers(0, 9).map(float)),
        )
        for problem in range(problems)
        for sample in range(samples)
        for name, count in ROOTS.items()
    ]


def by_hand(
    cells: list[OperatorOutcome], graph: ExecutionGraph, problem: str, sample: int, samples: int
) -> tuple[list[ChainOutcome], float, float, float, float]:
    """Score, CP_len, seconds, cost of one graph without a quorum, as the words say it."""
    used: dict[str, int] = {}
    candidates: list[ChainOutcome] = []
    tokens = seconds = cost = 0.0
    for layer in graph.layers:
        ran: list[OperatorOutcome] = []
        for name in layer.operators:
            if name == "Stop":
                continue
            which = (sample + used.get(name, 0)) % samples
            used[name] = used.get(name, 0) + 1
            ran.append(
                next(
                    cell
                    for cell in cells
                    if (cell.problem_id, cell.operator, cell.sample) == (problem, name, which)
                )
            )
        candidates += [chain for cell in ran for chain in cell.chains]
        tokens += max((cell.cp_tokens for cell in ran), default=0.0)
        seconds += max((cell.seconds for cell in ran), default=0.0)
        cost += sum(cell.cost_usd for cell in ran)
    return candidates, vote(candidates), tokens, seconds, cost


def vote(candidates: list[ChainOutcome]) -> float:
    keys = [chain.answer_key for chain in candidates]
    counts = [0 if key is None else keys.count(key) for key in keys]
    return candidates[counts.index(max(counts))].score


GRAPHS = tuple(
    ExecutionGraph.of(layers, OPERATORS)
    for layers in (
        [("Fast",)],
        [("Three",)],
        [("Fast", "Slow")],
        [("Fast", "Slow", "Three")],
        [("Fast",), ("Slow", "Three")],
        [("Fast",), ("Fast",)],
        [("Slow",), ("Stop",)],
        [("Slow",), ("Fast", "Stop")],
    )
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(outcomes())
def test_values_are_those_of_running_each_graph(cells: list[OperatorOutcome]) -> None:
    table = OutcomeTable.of(cells, OPERATORS)
    values = graph_values(table, GRAPHS, OPERATORS)
    for column, graph in enumerate(GRAPHS):
        for row, problem in enumerate(table.problem_ids):
            expected = np.mean(
                [by_hand(cells, graph, problem, sample, 2)[1:] for sample in range(2)], axis=0
            )
            found = [
                values.score[row, column],
                values.cp_tokens[row, column],
                values.seconds[row, column],
                values.cost_usd[row, column],
            ]
            assert found == pytest.approx(expected.tolist())


@settings(max_examples=40, deadline=None)
@given(outcomes(problems=1, samples=1), st.integers(1, 4))
def test_a_quorum_ends_the_layer_with_the_chain_that_makes_it(
    cells: list[OperatorOutcome], quorum: int
) -> None:
    table = OutcomeTable.of(cells, OPERATORS)
    layer = Layer(("Fast", "Slow", "Three"), quorum=quorum)
    graph = ExecutionGraph.of([layer], OPERATORS)
    values = graph_values(table, (graph,), OPERATORS)
    candidates = by_hand(cells, graph, "p0", 0, 1)[0]
    arrived: list[int] = []
    for place in sorted(range(len(candidates)), key=lambda at: (candidates[at].seconds, at)):
        arrived.append(place)
        key = candidates[place].answer_key
        alike = [one for one in arrived if candidates[one].answer_key == key]
        if key is not None and len(alike) >= quorum:
            break
    in_order = [candidates[place] for place in sorted(arrived)]
    end = max(chain.seconds for chain in in_order)
    assert values.score[0, 0] == vote(in_order)
    assert values.seconds[0, 0] == end
    assert values.cp_tokens[0, 0] == max(chain.cp_tokens for chain in in_order)
    cost = sum(
        cell.cost_usd
        * np.mean(
            [
                min(chain.seconds, end) / chain.seconds if chain.seconds else 1.0
                for chain in cell.chains
            ]
        )
        for cell in cells
    )
    assert values.cost_usd[0, 0] == pytest.approx(cost)


def test_one_layer_graphs_come_by_size_then_in_catalogue_order() -> None:
    assert [str(graph) for graph in one_layer_graphs(OPERATORS, width=2)] == [
        "Fast", "Slow", "Three", "Fast ∥ Slow", "Fast ∥ Three", "Slow ∥ Three",
    ]  # fmt: skip
    with pytest.raises(ConfigurationError, match="width 0"):
        one_layer_graphs(OPERATORS, width=0)


@settings(max_examples=20, deadline=None)
@given(outcomes(problems=1, samples=1), st.integers(1, 3))
def test_a_width_takes_the_first_chains_at_their_share_of_the_cost(
    cells: list[OperatorOutcome], width: int
) -> None:
    three = next(cell for cell in cells if cell.operator == "Three")
    table = OutcomeTable.of(cells, OPERATORS)
    graph = ExecutionGraph.of([Layer(("Three",), width=width)], OPERATORS)
    values = graph_values(table, (graph,), OPERATORS)
    chosen = list(three.chains[:width])
    assert values.score[0, 0] == vote(chosen)
    assert values.cp_tokens[0, 0] == max(chain.cp_tokens for chain in chosen)
    assert values.cost_usd[0, 0] == pytest.approx(three.cost_usd * width / 3)


def cell(problem: str, name: str, *, sample: int = 0, count: int | None = None) -> OperatorOutcome:
    chain = ChainOutcome(answer_key="a", score=1.0, cp_tokens=1.0, seconds=1.0)
    return OperatorOutcome(
        problem_id=problem,
        operator=name,
        sample=sample,
        chains=(chain,) * (ROOTS[name] if count is None else count),
        cost_usd=0.0,
    )


def whole(problem: str) -> list[OperatorOutcome]:
    return [cell(problem, name) for name in ROOTS]


def test_a_table_with_a_hole_a_repetition_or_a_wrong_cell_is_refused() -> None:
    with pytest.raises(DomainError, match="problem p1: sample 0 of Slow is missing"):
        OutcomeTable.of([*whole("p0"), cell("p1", "Fast"), cell("p1", "Three")], OPERATORS)
    with pytest.raises(DomainError, match="sample 0 of Fast occurs twice"):
        OutcomeTable.of([*whole("p0"), cell("p0", "Fast")], OPERATORS)
    with pytest.raises(DomainError, match="Three holds 1 chains, the operator adds 3"):
        OutcomeTable.of(
            [cell("p0", "Fast"), cell("p0", "Slow"), cell("p0", "Three", count=1)], OPERATORS
        )
    with pytest.raises(DomainError, match="is empty"):
        OutcomeTable.of([], OPERATORS)


def test_graphs_that_a_table_cannot_value_are_refused() -> None:
    table = OutcomeTable.of(whole("p0"), OPERATORS)
    with pytest.raises(DomainError, match="Refine is not in the table"):
        graph_values(table, [ExecutionGraph.of([("Fast",), ("Refine",)], OPERATORS)], OPERATORS)
    with pytest.raises(DomainError, match="Fast 2 times, the table has 1 samples"):
        graph_values(table, [ExecutionGraph.of([("Fast",), ("Fast",)], OPERATORS)], OPERATORS)
    wide = ExecutionGraph.of([Layer(("Three",), width=4)], OPERATORS)
    with pytest.raises(DomainError, match="draws 4 chains of Three, the table has 3"):
        graph_values(table, [wide], OPERATORS)


def test_rows_keep_their_problems() -> None:
    table = OutcomeTable.of([*whole("p0"), *whole("p1"), *whole("p2")], OPERATORS)
    assert table.rows([2, 0]).problem_ids == ("p2", "p0")


@pytest.mark.slow
def test_a_chain_says_what_it_cannot_hold() -> None:
    with pytest.raises(DomainError, match="score of a chain"):
        ChainOutcome(answer_key="a", score=1.5, cp_tokens=0.0, seconds=0.0)
    with pytest.raises(DomainError, match="seconds of a chain"):
        ChainOutcome(answer_key="a", score=1.0, cp_tokens=0.0, seconds=-1.0)
    with pytest.raises(DomainError, match="holds no chain"):
        cell("p0", "Fast", count=0)
