"""Rounds of calls and loads of workflows on a real server, measured call by call."""

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import psutil

from lamas.domain import ChatMessage
from lamas.llm import ChatRequest
from lamas.llm.chat import ChatModel
from lamas.serving.live import DispatchedModel
from lamas.serving.node import NodeSpec
from lamas.serving.policies.catalogue import PolicyNames
from lamas.serving.shape_fit import Round
from lamas.serving.shapes import ModelShape
from lamas.serving.workloads.workflow import CallTruth, Piece, Workflow

SLOTS = 4
MODEL = "embedded"
WORDS = ("river", "stone", "lamp", "garden", "winter", "paper", "engine", "bird", "copper", "tale")
ROUNDS = ((1, 2, 40), (1, 60, 2), (2, 5, 30), (4, 2, 30), (4, 25, 4))
"""Calls, words of a prompt, tokens of an answer."""
NAMES = PolicyNames(weights="always", retention="none")
NODE = NodeSpec(memory_bytes=1e12)
UNKNOWN = ModelShape(
    layers=30,
    kv_heads=3,
    head_dim=64,
    weight_bytes=1e8,
    prefill_seconds=0.01,
    prefill_seconds_per_token=0.01,
    step_seconds=0.006,
    step_seconds_per_call=0.007,
    slots=SLOTS,
)
"""Roughly what one core of a few years does; how much faster this one is, the rounds tell."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A call: words of its prompt, most tokens of its answer."""

    words: int
    tokens: int


Plan = tuple[tuple[Asked, ...], ...]
"""By layer."""


@dataclass(slots=True)
class Load:
    """One load as it was measured."""

    name: str
    share: float
    workflows: list[tuple[float, float, Workflow]] = field(
        default_factory=list[tuple[float, float, Workflow]]
    )
    """Arrival, end, and what was asked and answered."""
    processor: list[float] = field(default_factory=list[float])
    """Share of a processor that the server got while it was busy, by stretch."""


class Bench:
    """Asks the server, and counts what it answers and the processor it gets."""

    def __init__(self, model: ChatModel, pid: int) -> None:
        self.model = model
        self._server = psutil.Process(pid)
        self._asked = 0

    async def ask(self, asked: Asked, workflow: str, layer: int, model: ChatModel) -> CallTruth:
        """One call with a prompt that no other shares."""
        self._asked += 1
        draw = random.Random(self._asked)
        text = " ".join(draw.choice(WORDS) for _ in range(asked.words))
        result = await model.complete(
            ChatRequest(
                messages=(
                    ChatMessage(role="system", content=f"{draw.getrandbits(32)} {text}"),
                    ChatMessage(role="user", content="Tell a long story of it."),
                ),
                temperature=1.0,
                max_tokens=asked.tokens,
                sample_key=str(self._asked),
                seed=self._asked,
                labels={"problem_id": workflow, "operator": "Tell", "layer": str(layer + 1)},
            )
        )
        call = result.attempts[-1]
        return CallTruth(
            role="Tell",
            model=MODEL,
            layer=layer,
            output_tokens=max(call.usage_output_tokens, 1),
            max_tokens=asked.tokens,
            prompt=(Piece(self._asked, call.usage_input_tokens - call.usage_cached_tokens),),
        )

    async def rounds(self) -> list[tuple[Round, float]]:
        """Every kind of round once, and the processor seconds that the server took for each."""
        found: list[tuple[Round, float]] = []
        for count, words, tokens in ROUNDS:
            start, used = time.perf_counter(), self._used()
            calls = await asyncio.gather(
                *(self.ask(Asked(words, tokens), "round", 0, self.model) for _ in range(count))
            )
            served = Round(
                input_tokens=tuple(call.input_tokens for call in calls),
                output_tokens=tuple(call.output_tokens for call in calls),
                seconds=time.perf_counter() - start,
            )
            found.append((served, self._used() - used))
        return found

    async def stretch(self, load: Load, plans: Sequence[Plan], rate: float, seed: int) -> None:
        """Workflows arrive at `rate` a second and are measured; ends when the last one has."""
        dispatched = DispatchedModel(
            self.model, name=MODEL, shapes={MODEL: UNKNOWN}, node=NODE, names=NAMES
        )
        draw, begin, used = random.Random(seed), time.perf_counter(), self._used()
        begun: list[tuple[float, float]] = []

        async def serve(number: int, plan: Plan) -> None:
            arrived = time.perf_counter()
            calls: list[CallTruth] = []
            before: tuple[int, ...] = ()
            for layer, asked in enumerate(plan):
                done = await asyncio.gather(
                    *(self.ask(item, f"{seed}/{number}", layer, dispatched) for item in asked)
                )
                first = len(calls)
                calls += [replace(call, parents=before) for call in done]
                before = tuple(range(first, len(calls)))
            ended = time.perf_counter()
            begun.append((arrived, ended))
            load.workflows.append(
                (
                    arrived - begin + 1e4 * len(load.processor),
                    ended - begin + 1e4 * len(load.processor),
                    Workflow(workflow_type="measured", calls=tuple(calls)),
                )
            )

        async with asyncio.TaskGroup() as tasks:
            for number, plan in enumerate(plans):
                tasks.create_task(serve(number, plan))
                await asyncio.sleep(draw.expovariate(rate))
        load.processor.append((self._used() - used) / busy_seconds(begun))

    def _used(self) -> float:
        times = self._server.cpu_times()
        return times.user + times.system


def busy_seconds(stretches: Sequence[tuple[float, float]]) -> float:
    """Seconds in which at least one of the stretches lasted."""
    found, until = 0.0, 0.0
    for begin, end in sorted(stretches):
        found += max(end - max(begin, until), 0.0)
        until = max(until, end)
    return found


def plan(draw: random.Random) -> Plan:
    """One to three drafts side by side, and often something that reads them."""

    def asked() -> Asked:
        return Asked(draw.randint(5, 40), draw.randint(4, 20))

    drafts = tuple(asked() for _ in range(draw.randint(1, 3)))
    return (drafts, (asked(),)) if draw.random() < 0.6 else (drafts,)
