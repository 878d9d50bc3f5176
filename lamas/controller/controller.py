"""The controller: from query embeddings to execution graphs, and back to log-probabilities."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lamas.controller.choices import ChoiceBuilder, DrawnGraphs
from lamas.controller.condition import UNCONDITIONAL, Condition, multiplier_of
from lamas.controller.conditioned_policy import ConditionedPolicy
from lamas.controller.distribution import Draw, LayerDistribution
from lamas.controller.embedding_store import EMBEDDING_SIZE
from lamas.controller.lamas_policy import LamasPolicy
from lamas.controller.legality import LegalityTracker
from lamas.controller.noise import gumbel_noise
from lamas.controller.paper_policy import PaperPolicy
from lamas.controller.policy import History, Policy
from lamas.controller.settings import ControllerSettings
from lamas.controller.stored import stored_choices
from lamas.controller.threads import bounded_threads
from lamas.domain import OperatorSet, PolicyDecision
from lamas.domain.rollout import GraphChoice
from lamas.errors import ConfigurationError, ControllerError

Embeddings = NDArray[np.float32] | NDArray[np.float64]
_DrawLayer = Callable[[LayerDistribution, int, Tensor], Draw]


@dataclass(frozen=True, slots=True)
class LogProbabilities:
    """What the current weights say about stored decisions; gradients flow through both."""

    decisions: Tensor
    """[D] float64: log-probability of each decision, graph by graph in the order given."""
    entropies: Tensor
    """[R] float64: entropy of p_ℓ of every layer of every graph, in nats."""


class Controller(nn.Module):
    """Chooses a graph for each query, layer by layer, all queries of a batch together.

    Chosen graphs are a function of weights, embedding and seed; the batch they are computed in may
    move their log-probabilities in the last bits of a float64.
    """

    def __init__(
        self, settings: ControllerSettings, operators: OperatorSet, policy: Policy
    ) -> None:
        super().__init__()
        self.settings = settings
        self.operators = operators
        self.policy = policy
        self._builder = ChoiceBuilder(operators, quorum=settings.quorum)

    def multiplier(self, condition: Condition) -> float | None:
        """The price of waiting that a condition means here; None for a policy that knows none.

        Raises ConfigurationError for a condition that this controller cannot meet, or any at all
        where its policy knows none.
        """
        if isinstance(self.policy, ConditionedPolicy):
            default = float(self.policy.default.exp())
            return multiplier_of(condition, self.policy.operating_points(), default=default)
        if condition != UNCONDITIONAL:
            raise ConfigurationError(
                f"controller={self.settings.kind} has one trade of score against time: a deadline "
                "or a multiplier needs controller=conditioned, trained with learner=table"
            )
        return None

    def sample(
        self,
        embeddings: Embeddings,
        seeds: Sequence[int],
        *,
        multipliers: Sequence[float] | None = None,
    ) -> tuple[GraphChoice, ...]:
        """One graph for each row of `embeddings` [B, 384], drawn with the noise of its seed (≥ 0).

        Give a query several rows with different seeds to draw several graphs for it. `multipliers`,
        one a row, are for a policy that knows conditions; None leaves it its own.
        """
        if len(seeds) != len(embeddings):
            raise ControllerError(f"{len(embeddings)} embeddings came with {len(seeds)} seeds")
        noise = torch.from_numpy(gumbel_noise(seeds, self.settings.layers, len(self.operators)))
        return self._choose(
            embeddings, lambda layer, index, rows: layer.sample(noise[rows, index]), multipliers
        )

    def decide(
        self, embeddings: Embeddings, *, multipliers: Sequence[float] | None = None
    ) -> tuple[GraphChoice, ...]:
        """The deployed graph for each row of `embeddings` [B, 384]; nothing random in it.

        A decision's log-probability is that of sampling the same sequence. `multipliers` as in
        `sample`.
        """
        return self._choose(embeddings, lambda layer, index, rows: layer.decide(), multipliers)

    def log_prob(
        self,
        embeddings: Embeddings,
        decisions: Sequence[Sequence[PolicyDecision]],
        *,
        multipliers: Sequence[float] | None = None,
    ) -> LogProbabilities:
        """Log-probabilities of stored decisions under the current weights, in one batched pass.

        `embeddings` [N, 384], `decisions` and `multipliers` belong together row by row. Raises
        ControllerError for decisions that no graph of this controller can have.
        """
        with bounded_threads():
            queries = self._queries(embeddings)
            return self._log_prob(queries, decisions, _conditions(multipliers, len(queries)))

    def _log_prob(
        self,
        queries: Tensor,
        decisions: Sequence[Sequence[PolicyDecision]],
        conditions: Tensor | None,
    ) -> LogProbabilities:
        if len(decisions) != len(queries):
            raise ControllerError(f"{len(queries)} embeddings came with {len(decisions)} graphs")
        stored = stored_choices(decisions, self.operators, self.settings.layers)
        tracker = LegalityTracker(self.operators, len(queries))
        encoded = self.policy.encode(queries)
        chosen = self._nothing_chosen(len(queries))
        by_layer: list[Tensor] = []
        entropies: list[Tensor] = []
        for index in range(self.settings.layers):
            rows = torch.nonzero(stored.count[:, index] > 0).squeeze(1)
            terms = encoded.new_zeros(len(queries), len(self.operators))
            if len(rows) > 0:
                draw = Draw(stored.order[rows, index], stored.count[rows, index])
                legal = tracker.legal(rows)
                self._check(draw, legal, tracker.running[rows])
                history = self._history(index, chosen, stored.order, tracker).of(rows)
                layer = self._layer(encoded[rows], history, legal, _of(conditions, rows))
                terms = terms.index_copy(0, rows, layer.log_prob_terms(draw))
                entropies.append(layer.entropy())
                chosen[rows, index] = draw.chosen
                tracker.advance(rows, draw.chosen)
            by_layer.append(terms)
        table = torch.stack(by_layer, dim=1)
        return LogProbabilities(
            decisions=table[stored.graph, stored.layer, stored.place],
            entropies=torch.cat(entropies) if entropies else table.new_zeros(0),
        )

    @torch.no_grad()
    def _choose(
        self,
        embeddings: Embeddings,
        draw_layer: _DrawLayer,
        multipliers: Sequence[float] | None,
    ) -> tuple[GraphChoice, ...]:
        with bounded_threads():
            queries = self._queries(embeddings)
            conditions = _conditions(multipliers, len(queries))
            return self._builder.build(self._drawn(queries, draw_layer, conditions))

    def _drawn(
        self, queries: Tensor, draw_layer: _DrawLayer, conditions: Tensor | None
    ) -> DrawnGraphs:
        batch, layers, size = len(queries), self.settings.layers, len(self.operators)
        tracker = LegalityTracker(self.operators, batch)
        encoded = self.policy.encode(queries)
        chosen = self._nothing_chosen(batch)
        order = torch.zeros(batch, layers, size, dtype=torch.int64)
        count = torch.zeros(batch, layers, dtype=torch.int64)
        probability = torch.zeros(batch, layers, size, dtype=torch.float64)
        log_probability = torch.zeros_like(probability)
        legal = torch.zeros(batch, layers, size, dtype=torch.bool)
        for index in range(layers):
            rows = torch.nonzero(tracker.running).squeeze(1)
            if len(rows) == 0:
                break
            allowed = tracker.legal(rows)
            history = self._history(index, chosen, order, tracker).of(rows)
            layer = self._layer(encoded[rows], history, allowed, _of(conditions, rows))
            draw = draw_layer(layer, index, rows)
            order[rows, index] = draw.order
            count[rows, index] = draw.count
            probability[rows, index] = layer.probabilities.gather(1, draw.order)
            log_probability[rows, index] = layer.log_prob_terms(draw)
            legal[rows, index] = allowed
            chosen[rows, index] = draw.chosen
            tracker.advance(rows, draw.chosen)
        return DrawnGraphs(
            order=order.numpy(),
            count=count.numpy(),
            probability=probability.numpy(),
            log_probability=log_probability.numpy(),
            legal=legal.numpy(),
        )

    def _layer(
        self, encoded: Tensor, history: History, legal: Tensor, condition: Tensor | None
    ) -> LayerDistribution:
        scores = self.policy.scores(encoded, history, condition)
        return LayerDistribution(scores, legal, self.settings.tau, width=self.settings.width)

    def _history(
        self, index: int, chosen: Tensor, order: Tensor, tracker: LegalityTracker
    ) -> History:
        first = order[:, max(index - 1, 0), 0]
        # A copy: autograd keeps what the scores were computed from, and `chosen` goes on changing.
        return History(index, chosen.clone(), first, tracker.candidates)

    def _nothing_chosen(self, batch: int) -> Tensor:
        return torch.zeros(batch, self.settings.layers, len(self.operators), dtype=torch.bool)

    def _queries(self, embeddings: Embeddings) -> Tensor:
        if embeddings.ndim != 2 or embeddings.shape[1] != EMBEDDING_SIZE:
            raise ControllerError(
                f"query embeddings must have shape [B, {EMBEDDING_SIZE}], "
                f"got {list(embeddings.shape)}"
            )
        return torch.from_numpy(np.array(embeddings, dtype=np.float64))

    def _check(self, draw: Draw, legal: Tensor, running: Tensor) -> None:
        if bool((draw.chosen & ~legal).any()) or not bool(running.all()):
            raise ControllerError(
                "a stored decision was illegal where it stands: the operators' needs changed since "
                "the rollout was recorded, so it cannot be learned from"
            )


def _conditions(multipliers: Sequence[float] | None, rows: int) -> Tensor | None:
    """[B]: natural logarithms."""
    if multipliers is None:
        return None
    if len(multipliers) != rows:
        raise ControllerError(f"{rows} embeddings came with {len(multipliers)} multipliers")
    return torch.tensor(multipliers, dtype=torch.float64).log()


def _of(conditions: Tensor | None, rows: Tensor) -> Tensor | None:
    return None if conditions is None else conditions[rows]


def build_controller(
    settings: ControllerSettings, operators: OperatorSet, operator_embeddings: Embeddings
) -> Controller:
    """A controller with initial weights drawn from `settings.seed`.

    `operator_embeddings` [O, 384] in catalogue order, from `QueryEncoder.encode_operators`. Raises
    ControllerError when their shape does not fit.
    """
    expected = (len(operators), EMBEDDING_SIZE)
    if operator_embeddings.shape != expected:
        raise ControllerError(
            f"operator embeddings must have shape {list(expected)}, "
            f"got {list(operator_embeddings.shape)}"
        )
    policy = _policy(
        settings, operators, torch.from_numpy(np.array(operator_embeddings, dtype=np.float64))
    )
    return Controller(settings, operators, policy)


def _policy(
    settings: ControllerSettings, operators: OperatorSet, operator_embeddings: Tensor
) -> Policy:
    generator = torch.Generator().manual_seed(settings.seed)
    layers, hidden = settings.layers, settings.hidden
    if settings.kind == "conditioned" and settings.width is not None:
        return ConditionedPolicy(
            layers=layers,
            hidden=hidden,
            width=settings.width,
            needs=torch.tensor([spec.needs for spec in operators.specs]),
            size=operator_embeddings.shape[1],
        )
    kind = LamasPolicy if settings.kind == "lamas" else PaperPolicy
    return kind(
        layers=layers,
        hidden=hidden,
        operator_embeddings=operator_embeddings,
        generator=generator,
    )
