"""The simulated model without HTTP: from a checked request and its labels to an outcome."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from lamas.llm.simulated.behaviour import Asked, answer
from lamas.llm.simulated.problems import ProblemBook, SimulatedProblem, stranger
from lamas.llm.simulated.profile import Lognormal, SimulatedProfile
from lamas.llm.simulated.prose import tokens_in
from lamas.llm.simulated.protocol import Choice, Completion, CompletionRequest
from lamas.llm.simulated.randomness import Draws

Fault = Literal["rate_limited", "server_error", "malformed", "hang"]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast one answer comes, in simulated seconds without load."""

    first_token_seconds: float
    seconds_per_token: float

    def seconds(self, tokens: int) -> float:
        return self.first_token_seconds + tokens * self.seconds_per_token


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happens to one request."""

    completion: Completion
    pace: Pace
    fault: Fault | None

    @property
    def seconds(self) -> float:
        """Simulated seconds of the whole answer; parallel choices take as long as the longest."""
        longest = max(tokens_in(choice.text) for choice in self.completion.choices)
        return self.pace.seconds(longest)


@dataclass(frozen=True, slots=True)
class Labels:
    """What a request says about itself in its `x-lamas-*` headers."""

    problem_id: str | None
    operator: str
    stage: str
    branch: str
    attempt: str | None
    """Distinguishes the retries of one call; None when the request does not say."""

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> "Labels":
        """From headers with the prefix removed; `-` and `_` are the same."""
        given = {name.replace("-", "_"): value for name, value in headers.items()}
        return cls(
            problem_id=given.get("problem_id"),
            operator=given.get("operator", ""),
            stage=given.get("stage", "0"),
            branch=given.get("branch", "0"),
            attempt=given.get("attempt"),
        )


class SimulatedModel:
    """Answers requests; the outcome is a function of profile, labels, seed and prompt."""

    def __init__(
        self, profile: SimulatedProfile, problems: Iterable[SimulatedProblem] = ()
    ) -> None:
        self.profile = profile
        self.problems = ProblemBook(profile)
        self.statistics: Counter[str] = Counter()
        self._unseeded = 0
        self._faults_given: Counter[str] = Counter()
        for problem in problems:
            self.problems.add(problem)

    def outcome(self, request: CompletionRequest, labels: Labels, created: int) -> Outcome:
        """The answer, its pace, and whether a fault comes instead of it."""
        problem = self.problems.find(labels.problem_id, request.messages)
        if problem is None:
            self.statistics["unknown_problem"] += 1
            problem = stranger(request.messages, self.profile)
        key = self._key(request, labels, problem.problem_id)
        asked = Asked(labels.operator, _whole(labels.stage), request.messages)
        # At temperature 0 a model repeats itself: the samples of one prompt do not differ.
        greedy = request.temperature == 0.0
        sample = (key[0], "greedy", *key[2:5]) if greedy else key
        texts = (
            answer(problem, asked, self.profile, Draws(*sample, "" if greedy else str(index)))
            for index in range(request.choices)
        )
        draws = Draws("request", *key)
        completion = Completion(
            response_id=f"chatcmpl-{draws.integer('id'):016x}",
            model=self.profile.model,
            created=created,
            input_tokens=request.input_tokens,
            choices=tuple(Choice.cut(text, request.max_tokens, request.stop) for text in texts),
        )
        attempt = self._attempt(key, labels)
        trial = Draws("attempt", *key, attempt)
        fault = self._fault(trial)
        if fault is not None and labels.attempt is None:
            self._faults_given["\x1f".join(key)] += 1
        return Outcome(completion, self._pace(trial), fault)

    def _key(self, request: CompletionRequest, labels: Labels, problem_id: str) -> tuple[str, ...]:
        seed = request.seed
        if seed is None:
            self._unseeded += 1
            sample = f"unseeded {self._unseeded}"
        else:
            sample = str(seed)
        place = (labels.stage, labels.branch)
        return (str(self.profile.seed), sample, problem_id, labels.operator, *place)

    def _attempt(self, key: tuple[str, ...], labels: Labels) -> str:
        if labels.attempt is not None:
            return labels.attempt
        # Without a label the attempts of a call are told apart by the faults it has had.
        return f"after {self._faults_given.get(chr(31).join(key), 0)}"

    def _fault(self, trial: Draws) -> Fault | None:
        faults = self.profile.faults
        threshold = trial.uniform("fault")
        rates: tuple[tuple[Fault, float], ...] = (
            ("rate_limited", faults.rate_limited),
            ("server_error", faults.server_error),
            ("malformed", faults.malformed),
            ("hang", faults.hang),
        )
        for fault, rate in rates:
            threshold -= rate
            if threshold < 0:
                return fault
        return None

    def _pace(self, trial: Draws) -> Pace:
        latency, faults = self.profile.latency, self.profile.faults
        spike = trial.uniform("spike") < faults.latency_spike
        if spike:
            self.statistics["latency_spike"] += 1
        factor = faults.spike_factor if spike else 1.0
        return Pace(
            factor * _lognormal(latency.first_token_seconds, trial.normal("first token")),
            factor * _lognormal(latency.seconds_per_token, trial.normal("token")),
        )


def _lognormal(parameters: Lognormal, normal: float) -> float:
    return parameters.median * math.exp(parameters.sigma * normal)


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() else 0
