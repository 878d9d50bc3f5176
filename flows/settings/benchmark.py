"""The section `benchmark`: where problems come from, how they are split and scored."""

from typing import Literal

from pydantic import Field

from flows.settings.section import Section
from lamas.domain import TaskFamily


class GeneratedDataset(Section):
    """One reasoning-gym data set in the generated benchmark."""

    name: str
    config: dict[str, int | float | bool | str | list[int] | list[str]] = Field(
        default_factory=dict[str, int | float | bool | str | list[int] | list[str]]
    )
    weight: float = Field(default=1.0, gt=0)


class BenchmarkConfig(Section):
    """Which problems, and how answers are scored."""

    name: str
    kind: Literal["generated", "file", "gsm8k", "math", "humaneval"]
    family: TaskFamily
    path: str | None = None
    """File, folder glob or `hf://` address."""
    question: str = "question"
    """Column of kind `file`, or a template such as `{Body} {Question}`."""
    answer: str = "answer"
    """Column of kind `file`."""
    choices: str = ""
    """Column of kind `file` with a list of options or their number, for scorer `choice`."""
    category: str = ""
    """Column of kind `file` with what each problem is about."""
    only: dict[str, str] = Field(default_factory=dict[str, str])
    """Columns of kind `file` and the value that rows must have in each."""
    scorer: Literal["number", "math", "exact", "choice"] = "number"
    """How answers of kind `file` are judged."""
    datasets: list[GeneratedDataset] = Field(default_factory=list[GeneratedDataset])
    size: int | None = Field(default=None, ge=5)
    """Problems to generate."""
    split_seed: int = 0
    train_fraction: float = Field(default=0.2, gt=0, lt=1)
    train_size: int | None = Field(default=None, ge=1)
    """At most so many training problems; all of the split by default."""
    test_size: int | None = Field(default=None, ge=1)
    served: bool = False
    """The file at `path` holds what gateways of this home were asked: a run that begins writes it
    anew, and other content is another version, not a changed source."""
