"""A simulated model behind the OpenAI API, for tests, benchmarks and what-if questions."""

from lamas.llm.simulated.in_process import IN_PROCESS_URL, in_process_transport
from lamas.llm.simulated.problems import SimulatedProblem
from lamas.llm.simulated.profile import SimulatedProfile, load_profile, parse_profile
from lamas.llm.simulated.server import SimulatedServer

__all__ = [
    "IN_PROCESS_URL",
    "SimulatedProblem",
    "SimulatedProfile",
    "SimulatedServer",
    "in_process_transport",
    "load_profile",
    "parse_profile",
]
