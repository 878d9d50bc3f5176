"""What a profile file may say about a simulated model, and how it is read and checked."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lamas.domain import TaskFamily
from lamas.errors import ConfigurationError

PROFILE_FOLDER = Path(__file__).parent / "profiles"
DEFAULT_PROFILE = "gpt_4o_mini_like"

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Positive = Annotated[float, Field(gt=0.0)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Lognormal(_Part):
    """A lognormal quantity given by its median and the standard deviation of its logarithm."""

    median: Positive
    sigma: NonNegative


class TokenLength(_Part):
    """Output tokens of one call: lognormal with this arithmetic mean."""

    mean: Positive
    """Tokens, averaged over problems and samples (before a population's length factor)."""
    sigma: NonNegative = 0.2
    """Standard deviation of the logarithm from sample to sample of one problem."""
    scaled: bool = True
    """Whether the population's length factor and the problem's own length apply."""


class Load(_Part):
    """Slower answers when many are in flight; changes times, never texts."""

    free_slots: Annotated[int, Field(ge=1)]
    """Requests in flight that are served at full speed."""
    slowdown: NonNegative
    """Seconds are multiplied by 1 + slowdown · max(0, in flight − free_slots) / free_slots."""


class Latency(_Part):
    """Seconds of one answer: first token, then tokens × seconds per token."""

    first_token_seconds: Lognormal
    seconds_per_token: Lognormal
    load: Load | None = None


class Faults(_Part):
    """Share of requests that go wrong; the first four exclude each other."""

    rate_limited: Probability = 0.0
    """HTTP 429 with Retry-After."""
    server_error: Probability = 0.0
    """HTTP 500."""
    malformed: Probability = 0.0
    """HTTP 200 whose body breaks off in the middle of the JSON."""
    hang: Probability = 0.0
    """No byte until the client gives up or `hang_seconds` have passed."""
    latency_spike: Probability = 0.0
    """Answers whose seconds are multiplied by `spike_factor`; independent of the other four."""
    spike_factor: Annotated[float, Field(ge=1.0)] = 10.0
    retry_after_seconds: NonNegative = 1.0
    """Simulated seconds; the header carries them times the time scale."""
    hang_seconds: Positive = 3600.0
    """Real seconds after which a hanging connection is dropped."""

    @model_validator(mode="after")
    def _at_most_one(self) -> "Faults":
        total = self.rate_limited + self.server_error + self.malformed + self.hang
        if total > 1.0:
            raise ValueError(
                "rate_limited + server_error + malformed + hang exclude each other, "
                f"their sum {total:g} must be ≤ 1"
            )
        return self


class WrongAnswers(_Part):
    """How wrong answers of one problem agree with each other."""

    distinct: Annotated[int, Field(ge=1, le=16)] = 4
    """Different wrong answers of one problem."""
    concentration: Annotated[float, Field(gt=0.0, le=1.0)] = 0.3
    """The k-th wrong answer is `concentration` times as likely as the one before."""
    hidden_bug_share: Probability = 0.3
    """Code: share of wrong programs that pass the public tests."""


class QuestionLength(_Part):
    """Characters of the questions of a population; longer than usual means harder."""

    median: Positive
    sigma: Positive
    correlation: Annotated[float, Field(ge=-1.0, le=1.0)]
    """Correlation of the standardised log length with difficulty."""


class Population(_Part):
    """Problems that share a difficulty distribution."""

    matches: tuple[str, ...] = ()
    """Shell patterns on problem_id; the first population that matches is used."""
    family: TaskFamily | None = None
    """Used for problems of this family that no pattern matches."""
    difficulty_mean: float
    """Logits: 0 is a problem that an operator of skill 0 solves half the time."""
    difficulty_sigma: Positive
    """Logits."""
    question_length: QuestionLength | None = None
    length_sigma: NonNegative = 0.0
    """Standard deviation of the logarithm of answer length from problem to problem."""
    length_correlation: Annotated[float, Field(ge=-1.0, le=1.0)] = 0.0
    """Correlation of that length with difficulty."""
    length: dict[str, Positive] = Field(default_factory=dict)
    """Factor on mean tokens by operator; `*` for the others, 1 without it."""
    skill: dict[str, float] = Field(default_factory=dict)
    """Logits added to an operator's skills here."""

    @model_validator(mode="after")
    def _is_reachable(self) -> "Population":
        if not self.matches and self.family is None:
            raise ValueError("a population needs `matches` or `family`, else no problem is in it")
        return self


class Solve(_Part):
    """Answers the question."""

    does: Literal["solve"]
    skill: float
    """Logits; P(right) = sigmoid(skill + interaction − difficulty)."""
    strengths_of: str | None = None
    """Operator whose interactions with problems it shares; None: its own."""
    tokens: TokenLength


class Select(_Part):
    """Picks one of the lettered solutions it is shown."""

    does: Literal["select"]
    steepness: NonNegative
    """P(pick a right one) = sigmoid(bias + steepness · (share right − share of largest wrong))."""
    bias: float = 0.0
    tokens: TokenLength


class Refine(_Part):
    """Criticises and rewrites the solution it is shown."""

    does: Literal["refine"]
    skill_when_right: float
    """Logits: P(stays right)."""
    skill_when_wrong: float
    """Logits: P(becomes right)."""
    tokens: TokenLength
    """Critique and rewrite together."""


class WriteProgram(_Part):
    """Writes `solve()`, and states the answer once shown what it returned."""

    does: Literal["program"]
    skill: float
    """Logits: P(the program returns the right value)."""
    raises: Probability
    """Share of programs that end in an exception."""
    faithful: Probability
    """P(the statement repeats what the program returned)."""
    tokens: TokenLength
    statement_tokens: TokenLength


class Repair(_Part):
    """Rewrites a program that failed its tests."""

    does: Literal["repair"]
    skill_by_attempt: Annotated[tuple[float, ...], Field(min_length=1)]
    """Logits: P(fixed) at the first, second … attempt; the last one for all later."""
    tokens: TokenLength


Behaviour = Annotated[Solve | Select | Refine | WriteProgram | Repair, Field(discriminator="does")]


class SimulatedProfile(_Part):
    """Everything that determines what a simulated model answers, how long and how fast."""

    model: Annotated[str, Field(pattern=r"^simulated-.+")]
    """Name in every response; starts with `simulated-` so that outputs say so."""
    seed: int = 0
    """Root of all randomness together with the request's own seed."""
    interaction_sigma: NonNegative
    """Logits: how much the operators' strengths differ from problem to problem."""
    wrong_answers: WrongAnswers = WrongAnswers()
    latency: Latency
    faults: Faults = Faults()
    tool_seconds: Lognormal
    """Charged seconds of one tool run, for deterministic runs."""
    stream_chunk_tokens: Annotated[int, Field(ge=1)] = 16
    """Tokens in one server-sent event."""
    populations: Annotated[dict[str, Population], Field(min_length=1)]
    operators: dict[str, Behaviour]
    default_operator: Solve
    """For operators not listed and for requests that do not say."""

    @model_validator(mode="after")
    def _every_family_has_a_population(self) -> "SimulatedProfile":
        for family in ("math", "code", "text"):
            if not any(item.family == family for item in self.populations.values()):
                raise ValueError(f"no population has family {family!r}: one must be its default")
        return self

    def population_of(self, problem_id: str, family: TaskFamily) -> Population:
        """The first population whose pattern matches, else the family's default."""
        for population in self.populations.values():
            if any(fnmatchcase(problem_id, pattern) for pattern in population.matches):
                return population
        return next(item for item in self.populations.values() if item.family == family)

    def behaviour_of(self, operator: str) -> Behaviour:
        return self.operators.get(operator, self.default_operator)


def load_profile(
    source: str | Path = DEFAULT_PROFILE,
    *,
    seed: int | None = None,
    faults: Mapping[str, float] | None = None,
) -> SimulatedProfile:
    """Read a profile by the name of a shipped one or by the path of a YAML file.

    `seed` replaces the file's; `faults` replaces single entries of its section of that name.

    Raises ConfigurationError when the file is missing, is no YAML mapping, or holds a value that is
    unknown, missing or out of range; the message names the key, the value and the rule.
    """
    path = _path_of(source)
    try:
        content: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"profile {path} cannot be read: {error}") from error
    except RecursionError:
        raise ConfigurationError(f"profile {path} is nested too deeply to be one") from None
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise ConfigurationError(f"profile {path} is not valid YAML: {reason}") from error
    profile = parse_profile(content, str(path))
    if seed is None and not faults:
        return profile
    changed = profile.model_dump()
    changed["seed"] = profile.seed if seed is None else seed
    changed["faults"] = {**profile.faults.model_dump(), **(faults or {})}
    return parse_profile(changed, f"{path} with overrides")


def parse_profile(content: object, origin: str = "given as data") -> SimulatedProfile:
    """A profile from plain data; raises ConfigurationError naming key, value and rule."""
    try:
        return SimulatedProfile.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(f"profile {origin}: {_explain(error)}") from error


def _path_of(source: str | Path) -> Path:
    shipped = PROFILE_FOLDER / f"{source}.yaml"
    if isinstance(source, str) and "/" not in source and shipped.is_file():
        return shipped
    path = Path(source)
    if not path.is_file():
        known = ", ".join(sorted(item.stem for item in PROFILE_FOLDER.glob("*.yaml")))
        raise ConfigurationError(
            f"simulated profile {str(source)!r} is neither a shipped one ({known}) nor a file"
        )
    return path


def _explain(error: ValidationError) -> str:
    findings: list[str] = []
    for item in error.errors(include_url=False):
        place = ".".join(map(str, item["loc"])) or "the profile"
        message = item["msg"].removeprefix("Value error, ")
        value = item["input"]
        got = f" (got {value!r})" if isinstance(value, str | int | float | None) else ""
        findings.append(f"{place}: {message}{got}")
    shown = "; ".join(findings[:5])
    return shown if len(findings) <= 5 else f"{shown}; and {len(findings) - 5} more"
