"""What a gateway answers with: models, operators, the deployed controller, a record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lamas.domain import Clock, ExecutionMode, TaskFamily
from lamas.gateway.deciding import Champion
from lamas.gateway.entry import Entry
from lamas.gateway.trials import Candidate
from lamas.llm import ChatModel
from lamas.operators import Catalogue
from lamas.operators.settings import CallSettings
from lamas.sandbox import Sandbox


class Record(Protocol):
    """Where entries are kept; what it has taken survives the end of the process."""

    @property
    def failing(self) -> str | None:
        """Why the last entry could not be kept; None when it was."""
        ...

    async def keep(self, entry: Entry) -> None:
        """Return once `entry` cannot be lost any more; WarehouseError when it cannot be kept."""
        ...

    async def knows(self, request_id: str) -> bool:
        """Whether a request of that id was ever kept."""
        ...


class Deployed(Protocol):
    """Which controllers decide at the moment."""

    def current(self, tag: str | None = None) -> Champion | None:
        """The champion, or the one of a tag; None where there is none."""
        ...

    def tags(self) -> Sequence[str]:
        """Tags that have a champion of their own."""
        ...

    def candidate(self) -> Candidate | None:
        """What is tried beside the champion without a tag."""
        ...


@dataclass(frozen=True, kw_only=True)
class Kitchen:
    """What answers are made with."""

    run_id: str
    family: TaskFamily
    catalogue: Catalogue
    model: ChatModel
    sandbox: Sandbox
    plain: Mapping[str, str | None]
    """Names of the plain models and what `model` calls them; None is its default one."""
    call: CallSettings
    """How a plain model is asked where the client does not say."""
    gamma: float
    mode: ExecutionMode
    simulated: bool
    seed: int
    timeout_seconds: float
    clock: Clock = field(default_factory=Clock)
