"""What is known of an operator before it runs: what it needs and what it leaves."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lamas.domain.problem import TASK_FAMILIES, TaskFamily
from lamas.errors import DomainError, OperatorError


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatorSpec:
    """One reusable agent step as the controller and the warehouse see it (SPEC: operators)."""

    name: str
    description: str
    """One sentence; its embedding is the operator's embedding e(o)."""
    needs: int = 0
    """Candidates the previous layers must have left."""
    adds: int = 0
    """Candidates it appends."""
    draws: bool = False
    """True when its candidates are draws of one prompt, of which there may be any number ≥ 1:
    `adds` of them unless a layer's width says otherwise."""
    replaces: bool = False
    """True when it leaves one candidate in place of those the previous layers left."""
    stops: bool = False
    """True when the graph ends after its layer."""
    families: frozenset[TaskFamily] = frozenset(TASK_FAMILIES)
    """Task families in which it exists."""

    def chains(self, width: int | None) -> int:
        """Candidates that it adds in a layer of that width (None: as configured)."""
        return self.adds if width is None or not self.draws else width

    def __post_init__(self) -> None:
        if self.needs < 0 or self.adds < 0:
            raise DomainError(
                f"operator {self.name}: needs={self.needs} and adds={self.adds} must be ≥ 0"
            )
        if self.replaces and (self.adds or self.needs < 1):
            raise DomainError(f"operator {self.name}: one that replaces adds 0 and needs ≥ 1")
        if self.draws and not self.adds:
            raise DomainError(f"operator {self.name}: one that draws candidates adds some")


@dataclass(frozen=True)
class OperatorSet:
    """The operators available for one task family, in catalogue order."""

    specs: tuple[OperatorSpec, ...]

    def __post_init__(self) -> None:
        names = self.names
        if len(set(names)) != len(names):
            raise DomainError(f"operator names are not unique: {', '.join(names)}")
        if not any(spec.needs == 0 for spec in self.specs):
            raise DomainError(
                f"no operator of {', '.join(names) or 'an empty catalogue'} can start a graph: "
                "one must need no candidates"
            )

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(spec.name for spec in self.specs)

    @property
    def tabulated(self) -> tuple[OperatorSpec, ...]:
        """Those whose outcomes can be tabulated: they read no predecessor and leave candidates."""
        return tuple(spec for spec in self.specs if spec.needs == 0 and spec.adds > 0)

    def __len__(self) -> int:
        return len(self.specs)

    def spec(self, name: str) -> OperatorSpec:
        """The operator called `name`; OperatorError lists the known ones otherwise."""
        for spec in self.specs:
            if spec.name == name:
                return spec
        raise OperatorError(f"unknown operator {name!r}; known here: {', '.join(self.names)}")

    def position(self, name: str) -> int:
        """Catalogue position of `name`, from 0."""
        return self.specs.index(self.spec(name))

    def in_order(self, names: Iterable[str]) -> tuple[str, ...]:
        """`names` in catalogue order, the order in which a layer's results are merged."""
        return tuple(sorted(names, key=self.position))

    def legal(self, candidates: int) -> tuple[bool, ...]:
        """Which operators may run when `candidates` candidates exist, in catalogue order."""
        return tuple(spec.needs <= candidates for spec in self.specs)

    def quorum_of(self, names: Iterable[str], quorum: int | None) -> int | None:
        """The quorum that a layer of these operators has; None where it waits for all anyway."""
        chains = sum(self.spec(name).chains(None) for name in names)
        return quorum if quorum is not None and quorum < chains else None

    def candidates_after(
        self,
        candidates: int,
        layer: Sequence[str],
        *,
        quorum: int | None = None,
        width: int | None = None,
    ) -> int:
        """How many candidates a layer leaves at least: additions join the given or picked ones.

        A layer that ends at a quorum may leave as few as that.
        """
        specs = [self.spec(name) for name in layer]
        kept = 1 if any(spec.replaces for spec in specs) else candidates
        added = sum(spec.chains(width) for spec in specs)
        return kept + (added if quorum is None else min(added, quorum))

    def stops_after(self, layer: Sequence[str]) -> bool:
        """Whether the graph ends after this layer."""
        return any(self.spec(name).stops for name in layer)
