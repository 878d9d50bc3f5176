"""The runs of a comparison: one for each variant and training seed, found again after a kill."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from flows.comparison.variants import Variant
from flows.run.record import new_run
from flows.run.session import Session
from flows.run.token_limits import limited
from flows.settings import Settings
from lamas.domain import AnyResult, ComparisonMember, Run
from lamas.evaluation.estimates import Outcomes

KIND = "variant"
"""`runs.kind` of a member."""


class MemberSession(Session):
    """A run inside another one: its own configuration and rows, the other's parts and caps."""

    def __init__(
        self, root: Session, settings: Settings, run: Run, *, siblings: tuple[str, ...]
    ) -> None:
        """`siblings` are the ids of all members, which are paid for together."""
        super().__init__(settings, run, root.shared, stack=root.stack, lent=root)
        self._root = root
        self._siblings = siblings
        self.problems = root.problems

    @property
    def payer(self) -> Run:
        return self._root.run

    @property
    def paid_runs(self) -> tuple[str, ...]:
        return self._siblings


@dataclass(frozen=True, kw_only=True)
class Member:
    """One variant with one training seed."""

    variant: Variant
    seed: int
    session: MemberSession

    @property
    def label(self) -> str:
        """As the Prefect UI shows it."""
        return f"{self.variant.name} · seed {self.seed}"


def open_members(root: Session, variants: Sequence[Variant], seeds: int) -> tuple[Member, ...]:
    """The members with their rows; a variant that samples nothing has only the first seed.

    Members of an interrupted comparison are the ones it began with.
    """
    stored = {
        (item.variant, item.training_seed): item.run_id
        for item in root.reader.comparison_members(root.run.run_id)
    }
    runs: list[tuple[Variant, int, Settings, Run]] = []
    for index in range(seeds):
        for variant in variants:
            if index and variant.alone:
                continue
            seed = root.settings.seed + index
            settings = variant.with_seed(seed)
            run_id = stored.get((variant.name, seed))
            run = new_run(settings, KIND) if run_id is None else root.reader.run(run_id)
            runs.append((variant, seed, settings, run))
    siblings = tuple(run.run_id for _, _, _, run in runs)
    for _, _, _, run in runs:
        root.writer.add_run(run)
    root.writer.add_comparison_members(
        [
            ComparisonMember(
                comparison_run_id=root.run.run_id,
                variant=variant.name,
                training_seed=seed,
                run_id=run.run_id,
                learned=variant.learned,
            )
            for variant, seed, _, run in runs
        ]
    )
    return tuple(
        Member(
            variant=variant,
            seed=seed,
            session=MemberSession(
                root,
                limited(settings, run, root.warehouse, root.writer),
                run,
                siblings=siblings,
            ),
        )
        for variant, seed, settings, run in runs
    )


def outcomes_of(root: Session, members: Sequence[Member]) -> dict[str, Outcomes]:
    """Evaluation outcomes by variant: by training seed, or alone where there is no seed."""
    seeded: defaultdict[str, dict[int, Sequence[AnyResult]]] = defaultdict(dict)
    alone: dict[str, Outcomes] = {}
    for member in members:
        outcomes = root.reader.evaluated(member.session.run.run_id)
        if not member.variant.alone:
            seeded[member.variant.name][member.seed] = outcomes
        else:
            alone[member.variant.name] = outcomes
    return {**seeded, **alone}
