"""What the queries of `warehouse/reports/{comparison,shared}` return, as records."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import polars as pl
from pydantic import TypeAdapter

from lamas.domain import ComparisonEstimate
from lamas.errors import WarehouseError
from lamas.report.rows import (
    ExampleBar,
    Expense,
    FrontierPoint,
    Kind,
    LayerShare,
    OperatorTime,
    RunFacts,
    Spread,
)

Curve = Literal["score", "cp_tokens", "cost_usd", "reward", "entropy"]
_LONGEST_LABEL = 17


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One run of the comparison."""

    variant: str
    training_seed: int
    run_id: str
    learned: bool
    fixed: bool
    status: str
    updates: int
    training_rollouts: int
    evaluation_rollouts: int
    failed_rollouts: int
    seconds: float | None
    config_digest: str
    prompts_digest: str
    code_version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Discordant:
    """Right and wrong answers of one pair, on one run of each."""

    variant: str
    reference: str
    problems: int
    only_variant: int
    only_reference: int
    both_right: int
    both_wrong: int
    value: float
    p_value: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Hypervolume:
    """The part of score × expense that one group of variants dominates."""

    policies: str
    expense: Expense
    variants: int
    worst_expense: float
    hypervolume: float
    share: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CurvePoint:
    """One training step of one variant over its seeds."""

    variant: str
    step: int
    curve: Curve
    seeds: int
    mean: float
    lowest: float
    highest: float


@dataclass(frozen=True, kw_only=True, slots=True)
class VariantSpending:
    """What a variant cost for one purpose; of one operator, or of all where there is none."""

    variant: str
    purpose: str
    operator: str | None
    attempts: int
    replayed_attempts: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    share_of_variant: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparisonData:
    """Everything the page shows; a field is the answer to the query of its name."""

    run: tuple[RunFacts, ...]
    members: tuple[Member, ...]
    variants: tuple[ComparisonEstimate, ...]
    """Values recomputed, the rest as stored; so are those of `differences`."""
    differences: tuple[ComparisonEstimate, ...]
    discordant: tuple[Discordant, ...]
    frontier: tuple[FrontierPoint, ...]
    hypervolume: tuple[Hypervolume, ...]
    cp_len: tuple[Spread, ...]
    operator_mix: tuple[LayerShare, ...]
    learning: tuple[CurvePoint, ...]
    gantt: tuple[ExampleBar, ...]
    bottlenecks: tuple[OperatorTime, ...]
    spending: tuple[VariantSpending, ...]

    @property
    def points(self) -> tuple[FrontierPoint, ...]:
        """Trained variants, untrained ones, fixed graphs; by name, swept values by size."""
        order: tuple[Kind, ...] = ("trained", "untrained", "fixed")
        return tuple(
            sorted(
                self.frontier, key=lambda item: (order.index(item.kind), *by_value(item.entrant))
            )
        )

    @property
    def numbers(self) -> dict[str, int]:
        """The number that stands for a variant in charts."""
        return {item.entrant: place for place, item in enumerate(self.points, start=1)}

    @property
    def labels(self) -> dict[str, str]:
        """A name for each variant that fits into a chart."""
        short = {
            name: ", ".join(
                key.rpartition(".")[2] + sign + value
                for key, sign, value in (part.partition("=") for part in name.split(", "))
            )
            for name in self.numbers
        }
        given = list(short.values())
        return {
            name: label
            if len(label) <= _LONGEST_LABEL and given.count(label) == 1
            else f"{self.numbers[name]} {label[: _LONGEST_LABEL - 4]}…"
            for name, label in short.items()
        }

    @property
    def estimates(self) -> tuple[ComparisonEstimate, ...]:
        """Means, then differences."""
        return (*self.variants, *self.differences)

    @property
    def shown(self) -> tuple[str, ...]:
        """The two variants that the details are about, or one where there is no second.

        The one set against most others (else the first trained one), and the trained one with the
        longest critical paths.
        """
        pairs = [item.variant for item in self.differences if item.metric == "score_difference"]
        trained = [item for item in self.points if item.kind == "trained"] or list(self.points)
        first = max(
            dict.fromkeys(pairs or [trained[0].entrant]),
            key=lambda name: (pairs.count(name), -self.numbers[name]),
        )
        others = [item for item in trained if item.entrant != first]
        slowest = max(others, key=lambda item: item.cp_tokens, default=None)
        return (first,) if slowest is None else (first, slowest.entrant)

    def overrides(self, variant: str) -> list[str]:
        """What the variant has beyond the comparison's configuration; of a fixed graph nothing."""
        if self.run[0].kind == "sweep":
            return variant.split(", ") if "=" in variant else []
        config: dict[str, dict[str, object]] = json.loads(self.run[0].config_json)
        given = cast(
            "Mapping[str, list[str]]", config.get("comparison", {}).get("variants", {}) or {}
        )
        return [str(item) for item in given.get(variant, [])]


def by_value(variant: str) -> tuple[str, float, str]:
    """Sorts `key=value` by key, then by the size of the value."""
    key, _, value = variant.partition("=")
    try:
        return key, float(value), variant
    except ValueError:
        return key, 0.0, variant


_DATA = TypeAdapter(ComparisonData)


def comparison_data(frames: Mapping[str, pl.DataFrame]) -> ComparisonData:
    """The records of the frames that `warehouse.reports.comparison_report` returns."""
    rows: dict[str, Sequence[object]] = {name: frame.to_dicts() for name, frame in frames.items()}
    return _DATA.validate_python(rows)


def require_variants(data: ComparisonData, run_id: str) -> None:
    """WarehouseError for a comparison that has no estimates yet."""
    if not data.variants:
        raise WarehouseError(
            f"run {run_id} has {data.run[0].rollouts} rollouts of {len(data.members)} members and "
            "no estimates: its report can be made once it is completed; the same command again "
            "goes on with it"
        )
