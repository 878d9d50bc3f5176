"""Everything that is expected of a call, put together from history and, where known, its graph."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from lamas.domain.call_semantics import CallSemantics, PlannedCall
from lamas.serving.call import Forecast
from lamas.serving.prediction.automaton import RoleAutomaton
from lamas.serving.prediction.lengths import LengthModel
from lamas.serving.prediction.observed import ObservedCall
from lamas.serving.prediction.remaining import RemainingHistory
from lamas.serving.shapes import ModelShape


class Forecaster:
    """Fitted to training calls alone; the same call always gets the same forecast."""

    def __init__(
        self,
        calls: Sequence[ObservedCall],
        shapes: Mapping[str, ModelShape],
        *,
        automaton: RoleAutomaton | None = None,
        level: float = 0.9,
        seed: int = 0,
    ) -> None:
        """`level` is what the bound of an answer's length should cover.

        `automaton` tells the steps that are left where no graph is known, else history does.
        """
        self._automaton = automaton
        self._shapes = shapes
        self.lengths = LengthModel.fit(calls, level=level, seed=seed)
        self._history = RemainingHistory(calls)
        inputs: defaultdict[str, list[int]] = defaultdict(list)
        for call in calls:
            inputs[call.role].append(call.input_tokens)
        self._inputs = {role: sum(found) // len(found) for role, found in inputs.items()}
        self._planned: dict[tuple[str, str | None, str], float] = {}
        self._layers: dict[tuple[tuple[PlannedCall, ...], str], float] = {}

    def forecast(
        self, semantics: CallSemantics, model: str, input_tokens: int, max_tokens: int
    ) -> Forecast:
        """What is expected of a call that is ready; nothing of it depends on its answer."""
        kind, role = semantics.workflow_type, semantics.role
        length = self.lengths.length(role, model, kind, input_tokens)
        mean = min(length.mean, max_tokens)
        shape = self._shapes[model]
        own = shape.alone_seconds(input_tokens, mean)
        after, steps = self._history.after(kind, role, semantics.invocation_index)
        graph, slack = own + after, 0.0
        if semantics.rest is not None:
            longest = max(own, self._layer_seconds(semantics.siblings, kind, model))
            slack = longest - own
            graph = longest + sum(
                self._layer_seconds(layer, kind, model) for layer in semantics.rest
            )
        known_steps = semantics.remaining_steps
        if self._automaton is not None:
            steps = self._automaton.steps_to_end(role)
        return Forecast(
            output_tokens=mean,
            upper_tokens=min(length.upper, max_tokens),
            exceeding=0.0 if length.upper >= max_tokens else 1.0 - self.lengths.level,
            call_seconds=own,
            machine_seconds=shape.machine_seconds(input_tokens, mean),
            remaining_seconds=own + after,
            graph_seconds=graph,
            slack_seconds=slack,
            remaining_steps=steps if known_steps is None else float(known_steps),
        )

    def _layer_seconds(self, layer: tuple[PlannedCall, ...], kind: str, default: str) -> float:
        """Expected seconds of a layer's slowest call; 0 for none."""
        if not layer:
            return 0.0
        key = (layer, kind)
        found = self._layers.get(key)
        if found is None:
            found = max(self._planned_seconds(item, kind, default) for item in layer)
            self._layers[key] = found
        return found

    def _planned_seconds(self, planned: PlannedCall, kind: str, default: str) -> float:
        model = planned.model or default
        inputs = self._inputs.get(planned.role, 0)
        length = self.lengths.length(planned.role, model, kind, inputs)
        return planned.calls_in_a_row * self._shapes[model].alone_seconds(inputs, length.mean)
