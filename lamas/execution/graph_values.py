"""What graphs of tabulated operators score, take and cost, without a call."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from lamas.domain import ExecutionGraph, Layer, OperatorSet
from lamas.errors import ConfigurationError, DomainError
from lamas.execution.outcome_table import Floats, OutcomeTable

Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class GraphValues:
    """Means over the samples of a table, [P, G]: a row a problem, a column a graph."""

    graphs: tuple[ExecutionGraph, ...]
    score: Floats
    cp_tokens: Floats
    """CP_len."""
    seconds: Floats
    """Model seconds along the critical path."""
    cost_usd: Floats

    def rows(self, rows: NDArray[np.int64]) -> "GraphValues":
        """Those of the problems at positions `rows`, in that order."""
        return GraphValues(
            graphs=self.graphs,
            score=self.score[rows],
            cp_tokens=self.cp_tokens[rows],
            seconds=self.seconds[rows],
            cost_usd=self.cost_usd[rows],
        )


def one_layer_graphs(
    operators: OperatorSet, *, width: int, quorum: int | None = None
) -> tuple[ExecutionGraph, ...]:
    """Every graph of one layer of 1 to `width` operators that need nothing: by size, then order.

    A layer of more than `quorum` chains ends as soon as so many of its chains agree.
    """
    if width < 1:
        raise ConfigurationError(f"a layer holds at least 1 operator, got width {width}")
    names = [spec.name for spec in operators.tabulated]
    return tuple(
        ExecutionGraph((Layer(chosen, quorum=operators.quorum_of(chosen, quorum)),))
        for size in range(1, min(width, len(names)) + 1)
        for chosen in combinations(names, size)
    )


def graph_values(
    table: OutcomeTable,
    graphs: Sequence[ExecutionGraph],
    operators: OperatorSet,
) -> GraphValues:
    """Score, CP_len, seconds and cost of every graph for every problem of the table.

    The final answer is a vote of all candidates without a call: the answer most of them have, at a
    tie the one that comes first in order of layers and catalogue; candidates without an answer do
    not vote. Operators that stop take nothing. A layer with a quorum q ends as soon as q of its
    chains have the same answer, in order of their seconds, at a tie in catalogue order; what has
    not ended by then leaves no candidate, adds no time, and costs the share of its seconds that had
    passed. A layer with a width w takes the first w chains of operators that draw. Raises
    DomainError for an operator that the table does not hold, that a graph repeats more often than
    there are samples (a repetition takes the next sample), or that draws more than was tabulated.
    """
    columns = [_graph(table, graph, operators) for graph in graphs]
    stacked = np.stack(columns, axis=3) if columns else np.empty((4, table.samples, len(table), 0))
    score, cp_tokens, seconds, cost_usd = stacked.mean(axis=1)
    return GraphValues(
        graphs=tuple(graphs), score=score, cp_tokens=cp_tokens, seconds=seconds, cost_usd=cost_usd
    )


def _graph(table: OutcomeTable, graph: ExecutionGraph, operators: OperatorSet) -> Floats:
    """[4, S, P]: score, CP_len, seconds, cost."""
    used: dict[str, int] = {}
    keys: list[NDArray[np.int64]] = []
    scores: list[Floats] = []
    taken = np.zeros((3, table.samples, len(table)))
    for layer in graph.layers:
        names = [name for name in layer.operators if not operators.spec(name).stops]
        if not names:
            continue
        chains = [
            _first(_chains(table, name, used), operators.spec(name).chains(layer.width), name)
            for name in names
        ]
        key = np.concatenate([chain.key for chain in chains], axis=2)
        score = np.concatenate([chain.score for chain in chains], axis=2)
        tokens = np.concatenate([chain.cp_tokens for chain in chains], axis=2)
        seconds = np.concatenate([chain.seconds for chain in chains], axis=2)
        arrived = _arrived(key, seconds, layer.quorum)
        end = np.where(arrived, seconds, 0.0).max(axis=2)
        keys.append(np.where(arrived, key, -2))
        scores.append(score)
        taken[0] += np.where(arrived, tokens, 0.0).max(axis=2)
        taken[1] += end
        for chain in chains:
            taken[2] += chain.cost_usd * _share(chain.seconds, end)
    if not keys:
        raise DomainError(f"the graph {graph} runs no operator")
    answer = _voted(np.concatenate(keys, axis=2), np.concatenate(scores, axis=2))
    return np.concatenate([answer[None], taken])


@dataclass(frozen=True, slots=True, eq=False)
class _Chains:
    """One operator's chains in one place of a graph, [S, P, c]; its cost [S, P]."""

    key: NDArray[np.int64]
    score: Floats
    cp_tokens: Floats
    seconds: Floats
    cost_usd: Floats


def _chains(table: OutcomeTable, name: str, used: dict[str, int]) -> _Chains:
    if name not in table.operators:
        raise DomainError(
            f"operator {name} is not in the table; it holds {', '.join(table.operators)}"
        )
    before = used.get(name, 0)
    used[name] = before + 1
    if before >= table.samples:
        raise DomainError(
            f"a graph runs {name} {before + 1} times, the table has {table.samples} samples of it: "
            "tabulate more samples"
        )
    column = table.operators.index(name)
    of = table.chain_operator == column
    which = (np.arange(table.samples) + before) % table.samples
    return _Chains(
        table.key[which][:, :, of],
        table.score[which][:, :, of],
        table.cp_tokens[which][:, :, of],
        table.seconds[which][:, :, of],
        table.cost_usd[which][:, :, column],
    )


def _first(chains: _Chains, count: int, name: str) -> _Chains:
    """Its first `count` chains, at their share of its cost."""
    there = chains.key.shape[2]
    if count > there:
        raise DomainError(
            f"a layer draws {count} chains of {name}, the table has {there}: tabulate with "
            f"operators.samples={count}"
        )
    return _Chains(
        chains.key[..., :count],
        chains.score[..., :count],
        chains.cp_tokens[..., :count],
        chains.seconds[..., :count],
        chains.cost_usd * (count / there),
    )


def _arrived(key: NDArray[np.int64], seconds: Floats, quorum: int | None) -> Bools:
    """[S, P, C]: whose chain had ended when the layer did."""
    if quorum is None or quorum > key.shape[2]:
        return np.ones(key.shape, dtype=np.bool_)
    order = np.argsort(seconds, axis=2, kind="stable")
    ordered = np.take_along_axis(key, order, axis=2)
    alike = (ordered[..., :, None] == ordered[..., None, :]) & (ordered[..., :, None] >= 0)
    earlier = np.tril(np.ones((key.shape[2], key.shape[2]), dtype=np.bool_))
    reached = (alike & earlier).sum(axis=3) >= quorum
    # Nobody agreed: the layer ends with its last chain.
    last = reached.argmax(axis=2)
    last[~reached.any(axis=2)] = key.shape[2] - 1
    in_time = np.less_equal(np.arange(key.shape[2], dtype=np.int64), last[..., None])
    arrived = np.empty(key.shape, dtype=np.bool_)
    np.put_along_axis(arrived, order, in_time, axis=2)
    return arrived


def _voted(key: NDArray[np.int64], score: Floats) -> Floats:
    """[S, P]: score of the answer with most votes; key −1 has no vote, −2 is no candidate."""
    alike = (key[..., :, None] == key[..., None, :]) & (key[..., :, None] >= 0)
    votes = alike.sum(axis=3)
    # Without any answer the first candidate that arrived is what is handed in.
    votes = np.where(key == -2, -1, votes)
    winner = votes.argmax(axis=2)
    return np.take_along_axis(score, winner[..., None], axis=2)[..., 0]


def _share(seconds: Floats, end: Floats) -> Floats:
    """[S, P]: how much of an operator's work was done when its layer ended."""
    done = np.minimum(seconds, end[..., None])
    whole = seconds > 0.0
    return np.where(whole, done / np.where(whole, seconds, 1.0), 1.0).mean(axis=2)
