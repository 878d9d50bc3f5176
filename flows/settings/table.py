"""The section `table`: what an outcome table is made of."""

from pydantic import Field

from flows.settings.section import Section


class TableConfig(Section):
    """Which cells `lamas tabulate` fills."""

    samples: int = Field(default=1, ge=1)
    """Times that each operator is run on each problem."""
    problems: int | None = Field(default=None, ge=1)
    """At most so many of the training problems; all by default."""
    seed: int | None = Field(default=None, ge=0)
    """Of the model's answers; the run's own by default. Equal seeds ask for equal answers."""
