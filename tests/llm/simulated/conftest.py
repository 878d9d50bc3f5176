"""A simulated endpoint without faults, started once, and a client for it."""

from collections.abc import AsyncIterator

import pytest
from openai import AsyncOpenAI

from lamas.llm.simulated import SimulatedProblem, SimulatedServer
from tests.llm.simulated.support import arithmetic


@pytest.fixture(scope="session")
def problems() -> list[SimulatedProblem]:
    return arithmetic(60)


@pytest.fixture(scope="session")
async def client(problems: list[SimulatedProblem]) -> AsyncIterator[AsyncOpenAI]:
    async with (
        SimulatedServer(problems=problems) as server,
        AsyncOpenAI(base_url=server.base_url, api_key=server.api_key, max_retries=0) as openai,
    ):
        yield openai
