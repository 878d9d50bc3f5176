"""The sections `comparison` and `sweep`: which variants are set against each other."""

from pydantic import Field, model_validator

from flows.settings.section import Section

CONTROLS = ("best_fixed", "neighbours", "random_graph", "oracle")
"""What the controls of a comparison are called in its tables."""


class ComparisonConfig(Section):
    """What `lamas compare` sets against each other, on the same held-out problems."""

    seeds: int = Field(default=5, ge=1)
    """Training seeds, counted up from `seed`; every variant has them all."""
    margin: float = Field(default=0.02, gt=0, le=1)
    """Non-inferiority margin of the score difference, fixed before the run."""
    at_once: int = Field(default=12, ge=1)
    """Members that are trained side by side."""
    variants: dict[str, list[str]] = Field(default_factory=dict[str, list[str]])
    """Hydra overrides of each variant, on top of those of the comparison."""
    fixed: list[str] = Field(default_factory=list[str])
    """Fixed graphs that are compared too."""
    controls: str | None = None
    """The variant, learned from a table, that the controls best_fixed, neighbours, random_graph and
    oracle are held against, chosen on its first seed's table; none by default."""
    against: dict[str, list[str]] = Field(default_factory=dict[str, list[str]])
    """For each variant the references that it is set against."""

    @model_validator(mode="after")
    def _names_are_known(self) -> "ComparisonConfig":
        both = set(self.variants) & set(self.fixed)
        if both:
            raise ValueError(f"{min(both)!r} is both a variant and a fixed graph; rename it")
        if self.controls is not None and self.controls not in self.variants:
            raise ValueError(
                f"comparison.controls names {self.controls!r}; variants are "
                f"{', '.join(sorted(self.variants)) or 'none'}"
            )
        controls = () if self.controls is None else CONTROLS
        known = {*self.variants, *self.fixed, *controls}
        used = [*self.against, *(name for names in self.against.values() for name in names)]
        for name in used:
            if name not in known:
                raise ValueError(
                    f"comparison.against names {name!r}; known are {', '.join(sorted(known))}"
                )
        return self


class SweepConfig(Section):
    """What `lamas sweep` varies."""

    grid: dict[str, list[str | float | int]] = Field(
        default_factory=dict[str, list[str | float | int]]
    )
    """Configuration keys and the values each takes."""
    each: bool = True
    """One key at a time, the others as configured; else all combinations."""
    seeds: int = Field(default=1, ge=1)
    fixed: list[str] = Field(default_factory=list[str])
    """Fixed graphs on the same picture."""
