"""What every benchmark offers, and the settings a benchmark is built from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol, get_args

from pydantic import ConfigDict

from lamas.domain import TASK_FAMILIES, Problem, TaskFamily, ToolExecution
from lamas.errors import BenchmarkError

BenchmarkKind = Literal["gsm8k", "math", "humaneval", "file", "generated"]
ScorerName = Literal["number", "math", "exact", "squad", "choice"]
VerifierName = Literal["auto", "own", "number", "exact"]
Knob = str | int | float | bool | None | tuple[str | int | float, ...]

BENCHMARK_KINDS: tuple[BenchmarkKind, ...] = get_args(BenchmarkKind)
SCORER_NAMES: tuple[ScorerName, ...] = get_args(ScorerName)
VERIFIER_NAMES: tuple[VerifierName, ...] = get_args(VerifierName)


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """How one answer was judged."""

    value: float
    """In [0, 1]; 1.0 is right."""
    extracted: str | None
    """Canonical form of the answer that was judged; None when the text holds none."""
    detail: str = ""
    """Why, in a few words; for programs the failure."""
    place: str = ""
    """Where in the text the answer was found, in a few words."""
    runs: tuple[ToolExecution, ...] = ()
    """The sandboxed runs it took."""


class Benchmark(Protocol):
    """A source of problems together with the only judge of their answers."""

    @property
    def name(self) -> str: ...

    @property
    def family(self) -> TaskFamily: ...

    def load(self) -> tuple[Problem, ...]:
        """All problems within the size limits, split assigned; BenchmarkError on a bad source."""
        ...

    async def extract(self, problem: Problem, text: str) -> str | None:
        """Canonical form of the answer in a solution text; equal forms are the same vote.

        Bounded in time and off the event loop, whatever the text says.
        """
        ...

    async def score(self, problem: Problem, answer: str) -> Score:
        """Judge a solution text; a wrong, empty or unreadable answer scores 0, never raises."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitSettings:
    """Which problems are trained on and which are held out."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    train_fraction: float = 0.2
    """Share of the source's problems in the train split; 0.2 is train:test = 1:4."""
    train_size: int | None = None
    """At most the first so many of the train split; None keeps all."""
    test_size: int | None = None
    """At most the first so many of the test split; None keeps all."""
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.0 <= self.train_fraction <= 1.0:
            raise BenchmarkError(
                f"train_fraction={self.train_fraction} is outside [0, 1]: give a share such as 0.2"
            )
        for name, size in (("train_size", self.train_size), ("test_size", self.test_size)):
            if size is not None and size < 0:
                raise BenchmarkError(f"{name}={size} is negative: give a count, or leave it out")


@dataclass(frozen=True, kw_only=True, slots=True)
class GeneratedDataset:
    """One generator of a mixture."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    name: str
    """A dataset name of reasoning-gym, such as `chain_sum`."""
    config: Mapping[str, Knob] = field(default_factory=dict[str, Knob])
    """Its difficulty knobs, without seed and size."""
    weight: float = 1.0
    """Share of the mixture, relative to the other weights."""
    verifier: VerifierName = "auto"
    """`own` asks the dataset, `number` and `exact` compare with its reference answer."""

    def __post_init__(self) -> None:
        if not self.weight > 0:
            raise BenchmarkError(
                f"dataset {self.name!r}: weight={self.weight} is not positive; leave it out instead"
            )
        if self.verifier not in VERIFIER_NAMES:
            raise BenchmarkError(
                f"dataset {self.name!r}: verifier {self.verifier!r} is unknown; choose one of "
                f"{', '.join(VERIFIER_NAMES)}"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchmarkSettings:
    """Everything that determines a benchmark; fields that a kind does not use are ignored."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    kind: BenchmarkKind
    name: str = ""
    """Name in problem ids and reports; the kind if empty."""
    path: str = ""
    """Local JSONL, JSON, CSV, TSV (each also .gz) or Parquet file, or `hf://datasets/…`; all kinds
    but generated."""
    question: str = "question"
    """Question column, or a template such as `{Body} {Question}`; kind file."""
    answer: str = "answer"
    """Answer column; kind file."""
    choices: str = ""
    """Column with the options, appended to the question as A, B, C …, or with how many of them the
    question shows already; scorer choice."""
    category: str = ""
    """Column with the subject or task of a problem, kept as its metadata `category`; kind file."""
    only: Mapping[str, str] = field(default_factory=dict[str, str])
    """Columns and the value that rows must have in each; kind file."""
    scorer: ScorerName = "number"
    """How answers of kind file are judged."""
    family: TaskFamily = "math"
    """Which operators and prompts serve it; kinds file and generated."""
    datasets: tuple[GeneratedDataset, ...] = ()
    """The mixture; kind generated."""
    size: int | None = None
    """Problems to generate; kind generated. None: train_size + test_size, or 250."""
    split: SplitSettings = field(default_factory=SplitSettings)

    def __post_init__(self) -> None:
        for setting, value, known in (
            ("kind", self.kind, BENCHMARK_KINDS),
            ("scorer", self.scorer, SCORER_NAMES),
            ("family", self.family, TASK_FAMILIES),
        ):
            if value not in known:
                raise BenchmarkError(
                    f"benchmark {setting} {value!r} is unknown; choose one of {', '.join(known)}"
                )
        if self.kind != "generated" and not self.path:
            raise BenchmarkError(
                f"benchmark {self.label!r} has no source: set path to a JSONL, CSV or Parquet file "
                "or an hf:// address"
            )
        if self.kind == "generated" and not self.datasets:
            raise BenchmarkError(
                f"benchmark {self.label!r} names no datasets: list at least one, such as chain_sum"
            )
        if self.size is not None and self.size < 1:
            raise BenchmarkError(f"size={self.size} generates nothing: give at least 1")

    @property
    def label(self) -> str:
        return self.name or self.kind
