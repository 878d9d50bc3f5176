"""A simulated model behind the OpenAI API, for tests, benchmarks and what-if questions."""

from lamas.llm.simulated.problems import SimulatedProblem
from lamas.llm.simulated.profile import SimulatedProfile, load_profile, parse_profile
from lamas.llm.simulated.server import SimulatedServer

__all__ = [
    "SimulatedProblem",
    "SimulatedProfile",
    "SimulatedServer",
    "load_profile",
    "parse_profile",
]
