"""A workflow with its hidden truth: which calls it will make, and how long each answer will be."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from lamas.domain.call_semantics import PlannedCall
from lamas.errors import DomainError
from lamas.serving.call import Segment
from lamas.serving.shapes import ModelShape

PRIVATE = 1 << 24
"""Identities of one instance's own segments lie between two multiples of it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a prompt as a workload knows it."""

    number: int
    """Stands for its tokens behind those before it; in 0..2²⁴−1, within its scope."""
    tokens: int
    private: bool = True
    """Of one session alone; False: the same text for everybody."""

    def segment(self, instance: int) -> Segment:
        """`instance` ≥ 0 tells sessions apart."""
        return Segment(
            (instance + 1) * PRIVATE + self.number if self.private else self.number, self.tokens
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class CallTruth:
    """One call that a workflow will make."""

    role: str
    model: str
    layer: int
    output_tokens: int
    """Hidden from every policy but the oracles; ≥ 1."""
    max_tokens: int
    prompt: tuple[Piece, ...]
    parents: tuple[int, ...] = ()
    """Places of the calls that must end before it; all before it."""
    delay_seconds: float = 0.0
    """From the end of the last parent to readiness: tools, thinking."""

    @property
    def input_tokens(self) -> int:
        return sum(piece.tokens for piece in self.prompt)


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """Calls in an order in which every parent stands before its children.

    Raises DomainError for parents that stand behind, answers that are empty or exceed max_tokens.
    """

    workflow_type: str
    calls: tuple[CallTruth, ...]
    known_graph: bool = True
    """Whether what remains may be told to policies: ours is drawn before it runs."""

    def __post_init__(self) -> None:
        if not self.calls:
            raise DomainError(f"workflow of type {self.workflow_type}: it makes no call")
        for place, call in enumerate(self.calls):
            if any(not 0 <= parent < place for parent in call.parents):
                raise DomainError(
                    f"workflow of type {self.workflow_type}: call {place} has parents "
                    f"{call.parents}, which must all stand before it"
                )
            if not 1 <= call.output_tokens <= call.max_tokens:
                raise DomainError(
                    f"workflow of type {self.workflow_type}: call {place} answers "
                    f"{call.output_tokens} tokens, which must be in 1..{call.max_tokens}"
                )

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """By place."""
        found: list[list[int]] = [[] for _ in self.calls]
        for place, call in enumerate(self.calls):
            for parent in call.parents:
                found[parent].append(place)
        return tuple(map(tuple, found))

    @cached_property
    def models(self) -> Mapping[str, int]:
        """Calls by model."""
        found: dict[str, int] = {}
        for call in self.calls:
            found[call.model] = found.get(call.model, 0) + 1
        return found

    @cached_property
    def invocation_indices(self) -> tuple[int, ...]:
        """By place: how many calls of the same role stand before it in earlier layers."""
        return tuple(
            sum(
                other.role == call.role and other.layer < call.layer for other in self.calls[:place]
            )
            for place, call in enumerate(self.calls)
        )

    @cached_property
    def layers(self) -> tuple[tuple[PlannedCall, ...], ...]:
        """What a known graph tells: by layer, who will call which model."""
        count = 1 + max(call.layer for call in self.calls)
        found: list[list[PlannedCall]] = [[] for _ in range(count)]
        for call in self.calls:
            found[call.layer].append(PlannedCall(role=call.role, model=call.model))
        return tuple(map(tuple, found))

    @cached_property
    def rests(self) -> tuple[tuple[tuple[PlannedCall, ...], ...], ...]:
        """By layer: the layers behind it."""
        return tuple(self.layers[layer + 1 :] for layer in range(len(self.layers)))

    @cached_property
    def siblings(self) -> tuple[tuple[PlannedCall, ...], ...]:
        """By place: the other calls of its layer."""
        found: list[tuple[PlannedCall, ...]] = []
        for place, call in enumerate(self.calls):
            others = [
                PlannedCall(role=other.role, model=other.model)
                for at, other in enumerate(self.calls)
                if other.layer == call.layer and at != place
            ]
            found.append(tuple(others))
        return tuple(found)

    def tails(self, shapes: Mapping[str, ModelShape]) -> tuple[float, ...]:
        """By place: seconds from its start to the end of the workflow on an idle cluster."""
        found = [0.0] * len(self.calls)
        for place in range(len(self.calls) - 1, -1, -1):
            call = self.calls[place]
            behind = max(
                (self.calls[child].delay_seconds + found[child] for child in self.children[place]),
                default=0.0,
            )
            alone = shapes[call.model].alone_seconds(call.input_tokens, call.output_tokens)
            found[place] = alone + behind
        return tuple(found)

    def idle_seconds(self, shapes: Mapping[str, ModelShape]) -> float:
        """Seconds of the whole workflow on an idle cluster that has cached nothing."""
        tails = self.tails(shapes)
        return max(
            call.delay_seconds + tail
            for call, tail in zip(self.calls, tails, strict=True)
            if not call.parents
        )

    def machine_seconds(self, shapes: Mapping[str, ModelShape]) -> float:
        """What it takes of a busy node, nothing cached."""
        return sum(
            shapes[call.model].machine_seconds(call.input_tokens, call.output_tokens)
            for call in self.calls
        )


@dataclass(frozen=True, slots=True)
class Arrival:
    """A workflow that begins."""

    at: float
    """Seconds from the begin of the simulation."""
    workflow: Workflow
    instance: int
    """Number of the session, which tells private prompts apart."""
    session: str
    tenant: str = ""
