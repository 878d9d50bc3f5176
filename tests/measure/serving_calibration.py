"""Does the simulated cluster take as long as a real server?

    python -m tests.measure.serving_calibration

Starts the embedded llama.cpp server on one thread, measures rounds of calls on it while it is else
idle, and fits the two lines of its shape to them. Then workflows of one to four calls arrive at two
loads that were not fitted, each through the live dispatcher (first come, first served); the
simulator is given the same arrivals and token counts and predicts when each workflow ends. Rounds
stand before, between and after the loads, so that a machine whose speed drifts is met on average.

The last column slows everything by the share of a processor that the server got at the load against
the rounds': on a quiet machine both agree, on a shared one it tells whether the machine was another
or the simulator is off. It knows something of the load that is predicted, so it is no prediction.
"""

import argparse
import asyncio
import os
import random
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lamas.llm import EmbeddedServer, EmbeddedSettings, OpenAIChatModel, Price
from lamas.serving.prediction.forecaster import Forecaster
from lamas.serving.prediction.observed import observations
from lamas.serving.shape_fit import Round, fitted_shape, round_seconds, slower
from lamas.serving.shapes import ModelShape
from lamas.serving.simulation.cluster import ClusterSpec
from lamas.serving.simulation.records import Kept
from lamas.serving.simulation.simulator import Simulator
from lamas.serving.workloads.workflow import Arrival
from tests.measure.served_loads import (
    MODEL,
    NAMES,
    NODE,
    SLOTS,
    UNKNOWN,
    Asked,
    Bench,
    Load,
    Plan,
    plan,
)


def capacity(shape: ModelShape, plans: Sequence[Plan]) -> float:
    """Workflows a second that all slots together could serve; a word is about 1.5 tokens."""
    step = shape.step_seconds / SLOTS + shape.step_seconds_per_call
    seconds = sum(
        shape.prefill_seconds
        + shape.prefill_seconds_per_token * (1.5 * asked.words + 30)
        + step * asked.tokens
        for item in plans
        for layer in item
        for asked in layer
    )
    return len(plans) / seconds


def predicted(load: Load, shape: ModelShape) -> list[float]:
    """Seconds that each workflow takes in the simulator, in the order of arrival."""
    shapes = {MODEL: shape}
    flows = sorted(load.workflows, key=lambda item: item[0])
    kept = Kept()
    Simulator(
        cluster=ClusterSpec(nodes=1, node=NODE),
        shapes=shapes,
        names=NAMES,
        forecaster=Forecaster(observations([item[2] for item in flows], shapes), shapes),
        deadlines={},
        sink=kept,
    ).run(Arrival(at, flow, place, f"s{place}") for place, (at, _, flow) in enumerate(flows))
    return [item.ended_at - item.arrived_at for item in kept.workflows]


def fitted(rounds: Sequence[tuple[Round, float]]) -> tuple[ModelShape, float]:
    """The shape, and the share of a processor that the server had meanwhile.

    The lines are fitted to processor seconds, which others on the machine hardly change, and then
    stretched by what the rounds took for each of them.
    """
    share = sum(used for _, used in rounds) / sum(item.seconds for item, _ in rounds)
    own = [replace(item, seconds=max(used, 0.01)) for item, used in rounds]
    return slower(fitted_shape(UNKNOWN, own), 1.0 / share), share


def slowness(rounds: Sequence[tuple[Round, float]]) -> float:
    """How many times as long as by the guessed shape the rounds took: enough to choose loads by."""
    guessed = sum(round_seconds(UNKNOWN, item) for item, _ in rounds)
    return sum(item.seconds for item, _ in rounds) / guessed


def show(load: Load, shape: ModelShape, share: float) -> None:
    """Measured against predicted, one line a figure."""
    took = [end - at for at, end, _ in load.workflows]
    got = float(np.mean(load.processor))
    plain = predicted(load, shape)
    shared = predicted(load, slower(shape, share / got))
    print(
        f"{load.name}: {len(took)} workflows at {load.share:g} of what the slots can serve; the "
        f"server had {got:.2f} of a processor"
    )
    for name, level in (("mean", None), ("P95", 0.95)):
        measured, first, second = (figure(values, level) for values in (took, plain, shared))
        print(
            f"  {name:4s} measured {measured:6.2f} s, predicted {first:6.2f} s "
            f"({first / measured - 1:+.1%}), with its share of the processor {second:6.2f} s "
            f"({second / measured - 1:+.1%})"
        )


def figure(values: Sequence[float], level: float | None) -> float:
    """The mean, or a quantile."""
    return float(np.mean(values) if level is None else np.quantile(values, level))


async def measure(light: int, saturated: int) -> None:
    """A part of the light load, the saturated one, the other parts; rounds around each of them."""
    draw = random.Random(1)
    quiet = [plan(draw) for _ in range(light)]
    crowded = [plan(draw) for _ in range(saturated)]
    loads = (Load("light", 0.35), Load("saturated", 1.4))
    settings = EmbeddedSettings(slots=SLOTS, threads=1, prompt_cache_mib=0)
    rounds: list[tuple[Round, float]] = []
    async with EmbeddedServer(settings) as server:
        endpoint = replace(server.endpoint(), concurrency=SLOTS)
        async with OpenAIChatModel(endpoint, price=Price(input=0, output=0)) as model:
            assert server.pid is not None
            bench = Bench(model, server.pid)
            await bench.ask(Asked(10, 8), "warm", 0, model)

            began = time.perf_counter()
            rounds += await bench.rounds()
            print(f"a set of rounds took {time.perf_counter() - began:.0f} s", flush=True)
            rate = capacity(slower(UNKNOWN, slowness(rounds)), crowded)
            part = -(-light // 3)
            for load, plans, seed in (
                (loads[0], quiet[:part], 1),
                (loads[1], crowded, 2),
                (loads[0], quiet[part : 2 * part], 3),
                (loads[0], quiet[2 * part :], 4),
            ):
                began = time.perf_counter()
                await bench.stretch(load, plans, load.share * rate, seed)
                print(
                    f"{len(plans)} workflows of the {load.name} load took "
                    f"{time.perf_counter() - began:.0f} s",
                    flush=True,
                )
                rounds += await bench.rounds()
    shape, share = fitted(rounds)
    print(
        f"fitted on {len(rounds)} rounds: prefill {shape.prefill_seconds * 1e3:.1f} ms + "
        f"{shape.prefill_seconds_per_token * 1e3:.3f} ms a token, step "
        f"{shape.step_seconds * 1e3:.2f} ms + {shape.step_seconds_per_call * 1e3:.2f} ms a call; "
        f"the server had {share:.2f} of a processor meanwhile, the machine's load average was "
        f"{os.getloadavg()[2]:.1f} over a quarter of an hour"
    )
    for load in loads:
        show(load, shape, share)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--light", type=int, default=15, help="workflows of the light load")
    parser.add_argument("--saturated", type=int, default=32, help="workflows of the other")
    given = parser.parse_args()
    asyncio.run(measure(int(given.light), int(given.saturated)))


if __name__ == "__main__":
    main()
