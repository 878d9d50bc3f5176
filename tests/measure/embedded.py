"""`python -m tests.measure.embedded`: speed and prefix hits of the embedded model.

On the demo's own prompts, by form of the weights and calls at once.
Where more calls at once are no faster together, each only waits longer: `llm.concurrency` of
conf/llm/embedded.yaml is chosen by this table.
"""

import argparse
import asyncio
import os
import random
import statistics
import tempfile
import time
from pathlib import Path

from lamas.domain import ModelCall
from lamas.llm import (
    ChatRequest,
    EmbeddedServer,
    EmbeddedSettings,
    EndpointSettings,
    OpenAIChatModel,
    Price,
)
from lamas.llm.answer_end import StreamEnd
from lamas.operators.prompts import FEW_SHOT_FOLDER, Places, PromptLibrary

ASKED: tuple[tuple[str, str, StreamEnd], ...] = (
    ("Generate", "main", "boxed"),
    ("GenerateCoT", "main", "boxed"),
    ("Programmer", "write", "fence"),
)


def request(library: PromptLibrary, number: int) -> ChatRequest:
    """A sum of one-digit numbers, asked as one of three operators does."""
    draw = random.Random(number)
    first, second, third = (draw.randint(1, 9) for _ in range(3))
    operator, template, end = ASKED[number % len(ASKED)]
    prompt = library.template("math", operator, template, Places({"question"}))
    return ChatRequest(
        messages=prompt.render({"question": f"Calculate {first} + {second} - {third}."}),
        temperature=0.3,
        max_tokens=96,
        sample_key=str(number),
        seed=number,
        ends_at=end,
    )


async def asked(endpoint: EndpointSettings, at_once: int, calls: int) -> str:
    """What `calls` calls took, as a row."""
    library, slots = PromptLibrary(FEW_SHOT_FOLDER), asyncio.Semaphore(at_once)
    async with OpenAIChatModel(endpoint, price=Price(input=0, output=0)) as model:

        async def one(number: int) -> ModelCall:
            async with slots:
                return (await model.complete(request(library, number))).attempts[-1]

        begun = time.perf_counter()
        done = await asyncio.gather(*(one(1000 * at_once + number) for number in range(calls)))
    seconds = time.perf_counter() - begun
    hits = sum(call.usage_cached_tokens for call in done)
    prompts = sum(call.usage_input_tokens for call in done)
    tokens = sum(call.usage_output_tokens for call in done)
    taken = statistics.mean(call.ended_at - call.started_at for call in done)
    return (
        f"{at_once:>2} at once: {calls / seconds:5.2f} calls/s, {tokens / seconds:5.1f} tokens/s, "
        f"{taken:5.2f} s a call, {hits / prompts:.0%} of {prompts / calls:.0f} prompt tokens cached"
    )


async def measure(folder: Path, concurrencies: list[int], slots: int, calls: int) -> None:
    for weights in (None, folder):
        settings = EmbeddedSettings(slots=slots, weights=weights)
        async with EmbeddedServer(settings) as server:
            endpoint = server.endpoint()
            # What every prompt has before its question is computed once.
            await asked(endpoint, 1, len(ASKED))
            for at_once in concurrencies:
                row = await asked(endpoint, at_once, calls)
                load = os.getloadavg()[0]
                print(f"{server.gguf.name[:28]:<28} {row}, load {load:.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slots", type=int, default=8)
    parser.add_argument("--calls", type=int, default=36)
    parser.add_argument("--concurrency", default="1,2,4,8")
    given = parser.parse_args()
    concurrencies = [int(text) for text in str(given.concurrency).split(",")]
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), concurrencies, int(given.slots), int(given.calls)))


if __name__ == "__main__":
    main()
