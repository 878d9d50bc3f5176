"""Which variants a comparison has: configured lists of overrides, fixed graphs, or a grid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from flows.settings import Settings
from flows.settings.compose import load_settings
from lamas.errors import ConfigurationError

SHARED = ("home", "warehouse", "benchmark", "sandbox", "seed", "comparison", "sweep", "evaluation")
"""What the variants of a sweep must have in common: the place, the problems, the protocol."""
COMPARED = (*SHARED, "llm")
"""The same for a comparison: one model too."""


Control = Literal["best_fixed", "neighbours", "random", "oracle"]
CONTROLS: dict[str, Control] = {
    "best_fixed": "best_fixed",
    "neighbours": "neighbours",
    "random_graph": "random",
    "oracle": "oracle",
}
"""By the names they go by in tables."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way of choosing graphs, before a training seed is given to it."""

    name: str
    settings: Settings
    fixed: str | None = None
    """Name of the fixed graph; None for a controller."""

    control: Control | None = None
    """What chooses without learning, on the table of another variant; None otherwise."""

    @property
    def alone(self) -> bool:
        """No training seed changes it."""
        return self.fixed is not None or self.control is not None

    @property
    def by_table(self) -> bool:
        """It learns from an outcome table."""
        return not self.alone and self.settings.learner.kind == "table"

    @property
    def learned(self) -> bool:
        return not self.alone and (self.by_table or self.settings.training.steps > 0)

    def with_seed(self, seed: int) -> Settings:
        """The settings of one member: its own training, the comparison's evaluation."""
        base = self.settings
        answers = base.seed if base.evaluation.seed is None else base.evaluation.seed
        evaluation = base.evaluation.model_copy(update={"seed": answers, "baselines": []})
        return base.model_copy(update={"seed": seed, "evaluation": evaluation})


def configured(base: Settings, overrides: Sequence[str]) -> tuple[Variant, ...]:
    """The variants of `comparison.variants` and `comparison.fixed`.

    `overrides` made `base`. Raises ConfigurationError for a comparison of nothing and for a variant
    that changes what all must share.
    """
    config = base.comparison
    if not config.variants and not config.fixed:
        raise ConfigurationError(
            "nothing to compare: comparison.variants and comparison.fixed are empty; "
            "`lamas compare experiment=proof --cfg job` shows how they are filled"
        )
    learned = [
        _variant(base, name, overrides, own, shared=COMPARED)
        for name, own in sorted(config.variants.items())
    ]
    taught = next((item for item in learned if item.name == config.controls), None)
    return (*learned, *fixed_graphs(base, config.fixed), *controls_beside(taught))


def controls_beside(taught: Variant | None) -> tuple[Variant, ...]:
    """The controls of a variant that learns from a table; ConfigurationError for another one."""
    if taught is None:
        return ()
    if not taught.by_table:
        raise ConfigurationError(
            f"comparison.controls={taught.name} learns from rollouts: name a variant with "
            "learner=table, or leave it out"
        )
    return tuple(
        Variant(name=name, settings=taught.settings, control=control)
        for name, control in CONTROLS.items()
    )


def fixed_graphs(base: Settings, names: Sequence[str]) -> tuple[Variant, ...]:
    """The fixed graphs as variants."""
    return tuple(Variant(name=name, settings=base, fixed=name) for name in names)


def grid(base: Settings, overrides: Sequence[str]) -> tuple[Variant, ...]:
    """The variants of `sweep.grid`, named by the values that they set, and `sweep.fixed`.

    With `sweep.each` every key is varied alone beside the configuration as it is, called `base`.
    """
    config = base.sweep
    if not config.grid or not all(config.grid.values()):
        raise ConfigurationError(
            "nothing to sweep: give at least one key with values, as in "
            "'sweep.grid={training.lambda_t:[0.001,0.005,0.02]}'"
        )
    points = _each(config.grid) if config.each else _all(config.grid)
    return tuple(
        _variant(base, ", ".join(own) or "base", overrides, own, shared=SHARED) for own in points
    ) + fixed_graphs(base, config.fixed)


def _each(values: Mapping[str, Sequence[str | float]]) -> list[list[str]]:
    alone = [[f"{key}={value}"] for key, choices in values.items() for value in choices]
    return [[], *alone]


def _all(values: Mapping[str, Sequence[str | float]]) -> list[list[str]]:
    return [
        [f"{key}={value}" for key, value in zip(values, point, strict=True)]
        for point in product(*values.values())
    ]


def _variant(
    base: Settings,
    name: str,
    overrides: Sequence[str],
    own: Sequence[str],
    *,
    shared: Sequence[str],
) -> Variant:
    keys = {_key(item) for item in own}
    # Hydra refuses a group or a key that is given twice.
    kept = [item for item in overrides if _key(item) not in keys]
    settings = load_settings([*kept, *own])
    evaluation = settings.evaluation.model_copy(update={"mode": base.evaluation.mode})
    for part in shared:
        mine = evaluation if part == "evaluation" else getattr(settings, part)
        if mine != getattr(base, part):
            raise ConfigurationError(
                f"variant {name!r} changes {part}, which all variants of a comparison share "
                f"({', '.join(shared)}): leave that to the comparison itself"
            )
    return Variant(name=name, settings=settings)


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("+~")
