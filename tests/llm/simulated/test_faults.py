"""Injected faults come at their rates, at the same places every time, and end with a retry."""

import asyncio
import json
import math
import time
from collections import Counter

import httpx
import openai
import pytest
from openai import AsyncOpenAI

from lamas.llm.simulated import SimulatedProfile, SimulatedServer, load_profile
from lamas.llm.simulated.model import Labels, SimulatedModel
from lamas.llm.simulated.protocol import CompletionRequest
from tests.llm.simulated.support import arithmetic, ask, bearer, changed_profile, labels, text_of
from tests.patience import patience

RATES = {"rate_limited": 0.10, "server_error": 0.05, "malformed": 0.02, "hang": 0.01}
PROBLEM = arithmetic(1)[0]


def faults_of(profile: SimulatedProfile, count: int, attempt: str = "1") -> list[str]:
    model = SimulatedModel(profile, [PROBLEM])
    given = Labels(PROBLEM.problem_id, "Generate", "0", "0", attempt)
    requests = (
        CompletionRequest(
            messages=("x",),
            temperature=1.0,
            max_tokens=1,
            choices=1,
            seed=seed,
            stream=False,
            include_usage=False,
        )
        for seed in range(count)
    )
    return [model.outcome(item, given, 0).fault or "none" for item in requests]


@pytest.mark.slow
def test_rates_lie_within_binomial_bounds() -> None:
    total = 8000
    found = Counter(faults_of(load_profile(faults=RATES), total))
    for fault, rate in RATES.items():
        deviation = math.sqrt(rate * (1 - rate) / total)
        assert found[fault] / total == pytest.approx(rate, abs=4 * deviation), fault


def test_attempts_fail_independently() -> None:
    profile = load_profile(faults={"server_error": 0.5})
    first, second = faults_of(profile, 2000, "1"), faults_of(profile, 2000, "2")
    both = sum(a == b == "server_error" for a, b in zip(first, second, strict=True))
    assert both / 2000 == pytest.approx(0.25, abs=4 * math.sqrt(0.25 * 0.75 / 2000))


@pytest.mark.slow
async def test_rates_over_http_and_the_client_sees_each_kind() -> None:
    rates = {"rate_limited": 0.2, "server_error": 0.2, "malformed": 0.2}
    total = 200

    async def kind_of(client: AsyncOpenAI, seed: int) -> str:
        try:
            await ask(client, "x", labels(PROBLEM, attempt=1), seed=seed, max_tokens=5)
        except openai.APIStatusError as error:
            wait = error.response.headers.get("retry-after")
            return f"{error.status_code} {error.type} {error.code} {wait}"
        except json.JSONDecodeError:
            return "malformed"
        return "answered"

    async with (
        SimulatedServer(load_profile(faults=rates), problems=[PROBLEM]) as server,
        AsyncOpenAI(base_url=server.base_url, api_key=server.api_key, max_retries=0) as client,
    ):
        seen = Counter(await asyncio.gather(*(kind_of(client, seed) for seed in range(total))))
    expected = {
        "429 requests rate_limit_exceeded 0": 0.2,
        "500 server_error None None": 0.2,
        "malformed": 0.2,
        "answered": 0.4,
    }
    assert seen.keys() == expected.keys()
    for kind, share in expected.items():
        assert seen[kind] / total == pytest.approx(share, abs=4 * math.sqrt(share * 0.8 / total))


@pytest.mark.slow
@pytest.mark.parametrize("labelled", [True, False])
async def test_a_retry_succeeds_with_the_undisturbed_answer(
    client: AsyncOpenAI, labelled: bool
) -> None:
    profile = load_profile(faults={"rate_limited": 0.3, "server_error": 0.2})

    async def retried(client: AsyncOpenAI, seed: int) -> tuple[str, int]:
        for attempt in range(1, 30):
            given = labels(PROBLEM, attempt=attempt if labelled else None)
            try:
                return text_of(await ask(client, "x", given, seed=seed)), attempt
            except openai.APIStatusError:
                continue
        raise AssertionError("every attempt failed")

    undisturbed = [(await retried(client, seed))[0] for seed in range(12)]
    runs: list[list[tuple[str, int]]] = []
    for _ in range(2):
        async with (
            SimulatedServer(profile, problems=[PROBLEM]) as faulty,
            AsyncOpenAI(base_url=faulty.base_url, api_key=faulty.api_key, max_retries=0) as other,
        ):
            runs.append(list(await asyncio.gather(*(retried(other, s) for s in range(12)))))
    assert [text for text, _ in runs[0]] == undisturbed
    assert runs[0] == runs[1]
    assert max(attempts for _, attempts in runs[0]) > 1


@pytest.mark.slow
@pytest.mark.parametrize("stream", [True, False])
async def test_malformed_bodies_break_off(stream: bool) -> None:
    async with (
        SimulatedServer(load_profile(faults={"malformed": 1.0})) as server,
        httpx.AsyncClient(base_url=server.base_url, headers=bearer(server.api_key)) as http,
    ):
        body = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": stream}
        response = await http.post("/chat/completions", json=body)
    assert response.status_code == 200
    last = response.text.strip().removeprefix("data: ").split("data: ")[-1]
    assert not response.text.endswith("[DONE]\n\n")
    with pytest.raises(json.JSONDecodeError):
        json.loads(last)


@pytest.mark.slow
async def test_a_hanging_request_sends_nothing_and_leaves_others_alone() -> None:
    hanging = changed_profile(faults={"hang": 0.5, "hang_seconds": 600.0})
    kinds = faults_of(hanging, 12)
    assert {"hang", "none"} == set(kinds)
    async with (
        SimulatedServer(hanging, problems=[PROBLEM]) as server,
        AsyncOpenAI(base_url=server.base_url, api_key=server.api_key, max_retries=0) as client,
    ):

        async def one(seed: int) -> str:
            given = labels(PROBLEM, "Generate", attempt=1)
            try:
                async with asyncio.timeout(patience(1.0)):
                    await ask(client, "x", given, seed=seed)
            except TimeoutError:
                return "hang"
            return "none"

        assert list(await asyncio.gather(*map(one, range(12)))) == kinds


@pytest.mark.slow
async def test_a_hanging_connection_is_dropped_in_the_end() -> None:
    profile = changed_profile(faults={"hang": 1.0, "hang_seconds": 0.2})
    async with (
        SimulatedServer(profile) as server,
        AsyncOpenAI(base_url=server.base_url, api_key=server.api_key, max_retries=0) as client,
    ):
        with pytest.raises(openai.APIError):
            await ask(client, "x", {})


@pytest.mark.slow
async def test_latency_is_simulated_seconds_times_the_time_scale() -> None:
    profile = changed_profile(
        latency={
            "first_token_seconds": {"median": 1.0, "sigma": 0.0},
            "seconds_per_token": {"median": 0.01, "sigma": 0.0},
        }
    )
    scale = 0.05
    async with (
        SimulatedServer(profile, problems=[PROBLEM], time_scale=scale) as server,
        AsyncOpenAI(base_url=server.base_url, api_key=server.api_key, max_retries=0) as client,
    ):
        await ask(client, "warm up", {}, max_tokens=1)
        for tokens in (1, 200):
            started = time.perf_counter()
            raw = await client.chat.completions.with_raw_response.create(
                model="m",
                messages=[{"role": "user", "content": "x"}],
                max_tokens=tokens,
                seed=1,
                extra_headers=labels(PROBLEM),
            )
            seconds = time.perf_counter() - started
            usage = raw.parse().usage
            assert usage is not None
            simulated = 1.0 + 0.01 * usage.completion_tokens
            assert float(raw.headers["x-simulated-seconds"]) == pytest.approx(simulated)
            assert seconds >= simulated * scale
        started = time.perf_counter()
        stream = await client.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": "x"}],
            seed=1,
            stream=True,
            extra_headers=labels(PROBLEM),
        )
        moments = [time.perf_counter() - started async for _ in stream]
    assert moments[0] >= 1.0 * scale
    assert moments[-1] - moments[0] >= 0.5 * 0.01 * 100 * scale


@pytest.mark.slow
async def test_load_slows_answers_down_and_changes_no_text() -> None:
    latency = {
        "first_token_seconds": {"median": 0.1, "sigma": 0.0},
        "seconds_per_token": {"median": 1e-9, "sigma": 0.0},
        "load": {"free_slots": 1, "slowdown": 1.0},
    }

    async with (
        SimulatedServer(changed_profile(latency=latency), time_scale=1.0) as server,
        AsyncOpenAI(base_url=server.base_url, api_key=server.api_key, max_retries=0) as client,
    ):

        async def timed(count: int) -> tuple[list[str], float]:
            started = time.perf_counter()
            answers = await asyncio.gather(*(ask(client, "x", {}, seed=s) for s in range(count)))
            return [text_of(item) for item in answers], time.perf_counter() - started

        await ask(client, "warm up", {})
        alone, _ = await timed(1)
        together, many = await timed(8)
    assert together[0] == alone[0]
    # The last of eight in flight takes eight times as long: no machine is too fast for that.
    assert many >= 0.7


@pytest.mark.slow
def test_spikes_multiply_the_seconds_of_their_share() -> None:
    def seconds(rate: float) -> list[float]:
        profile = load_profile(faults={"latency_spike": rate, "spike_factor": 10.0})
        model = SimulatedModel(profile, [PROBLEM])
        given = Labels(PROBLEM.problem_id, "Generate", "0", "0", "1")
        found: list[float] = []
        for seed in range(1000):
            request = CompletionRequest(
                messages=("x",),
                temperature=1.0,
                max_tokens=100,
                choices=1,
                seed=seed,
                stream=False,
                include_usage=False,
            )
            found.append(model.outcome(request, given, 0).seconds)
        return found

    ratios = [b / a for a, b in zip(seconds(0.0), seconds(0.1), strict=True)]
    spiked = [ratio for ratio in ratios if ratio > 1.5]
    assert spiked == pytest.approx([10.0] * len(spiked))
    assert len(spiked) / 1000 == pytest.approx(0.1, abs=4 * math.sqrt(0.09 / 1000))
