"""The simulated endpoint without a socket: the same application, called by the same client."""

from collections.abc import Iterable

import httpx2

from lamas.domain import Problem
from lamas.llm.simulated.app import build_app
from lamas.llm.simulated.model import SimulatedModel
from lamas.llm.simulated.problems import SimulatedProblem
from lamas.llm.simulated.profile import SimulatedProfile

IN_PROCESS_URL = "http://simulated.invalid/v1"
"""What the client is told; nothing is looked up or sent."""


def in_process_transport(
    profile: SimulatedProfile, problems: Iterable[Problem]
) -> httpx2.AsyncBaseTransport:
    """A transport for the OpenAI client that ends in the simulated application itself.

    Requests and answers are those of `SimulatedServer`, byte by byte, at a third of the CPU; it
    never sleeps, and an answer that is streamed arrives in one piece.
    """
    known = [SimulatedProblem.of(problem) for problem in problems]
    return httpx2.ASGITransport(app=build_app(SimulatedModel(profile, known), 0.0))
