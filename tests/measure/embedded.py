"""Output tokens per second of the embedded model: `python -m tests.llm.measure_embedded`."""

import argparse
import asyncio
import os
import random
import time

from lamas.domain import ChatMessage
from lamas.llm import ChatRequest, EmbeddedServer, EmbeddedSettings, OpenAIChatModel, Price

INSTRUCTION = (
    "You are a careful solver. Solve the problem step by step, keep the reasoning short, and end "
    "with the answer alone on the last line in the form 'Answer: <number>'."
)


def question(number: int, max_tokens: int) -> ChatRequest:
    draw = random.Random(number)
    have, more, less = draw.randint(2, 90), draw.randint(2, 90), draw.randint(1, 9)
    text = f"Tom has {have} apples, buys {more} and gives {less} away. How many has he now?"
    return ChatRequest(
        messages=(
            ChatMessage(role="system", content=INSTRUCTION),
            ChatMessage(role="user", content=text),
        ),
        temperature=1.0,
        max_tokens=max_tokens,
        sample_key=str(number),
        seed=number,
    )


async def measure(settings: EmbeddedSettings, concurrencies: list[int], rounds: int) -> None:
    async with EmbeddedServer(settings) as server:
        endpoint = server.endpoint()
        async with OpenAIChatModel(endpoint, price=Price(input=0, output=0)) as model:
            await model.complete(question(0, 8))
        for concurrency in concurrencies:
            count = concurrency * rounds
            slots = asyncio.Semaphore(concurrency)
            async with OpenAIChatModel(endpoint, price=Price(input=0, output=0)) as model:

                async def ask(
                    number: int,
                    model: OpenAIChatModel = model,
                    slots: asyncio.Semaphore = slots,
                ) -> tuple[int, float]:
                    async with slots:
                        call = (await model.complete(question(number, 120))).attempts[-1]
                    return call.usage_output_tokens, call.time_to_first_chunk_seconds or 0.0

                begun = time.perf_counter()
                done = await asyncio.gather(
                    *(ask(concurrency * 1000 + number) for number in range(count))
                )
            seconds = time.perf_counter() - begun
            rate = sum(tokens for tokens, _ in done) / seconds
            first = sorted(first for _, first in done)[count // 2]
            print(
                f"{concurrency:3d} concurrent: {rate:6.1f} output tokens/s, "
                f"first chunk after {first:.2f} s (median), load {os.getloadavg()[0]:.1f}",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slots", type=int, default=8)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--concurrency", default="1,4,8,16")
    given = parser.parse_args()
    concurrencies = [int(text) for text in str(given.concurrency).split(",")]
    settings = EmbeddedSettings(slots=int(given.slots), threads=given.threads)
    asyncio.run(measure(settings, concurrencies, int(given.rounds)))


if __name__ == "__main__":
    main()
