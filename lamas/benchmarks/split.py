"""How problems are divided into train and test, and how a stored division is held to."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from lamas.benchmarks.benchmark import SplitSettings
from lamas.domain import CodeTests, Problem, Split, TaskFamily, digest
from lamas.errors import BenchmarkError

VERSION_DIGITS = 16
EXAMPLES_SHOWN = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A problem before its source's version and split are known."""

    question: str
    reference: str
    tests: CodeTests | None = None
    choices: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])


def content_version(drafts: Iterable[Draft]) -> str:
    """Digest of what the problems say, in order; the file's format and compression do not enter."""
    return digest(
        "content",
        [
            [
                draft.question,
                draft.reference,
                None if draft.tests is None else [draft.tests.entry_point, draft.tests.hidden],
                dict(draft.metadata),
            ]
            for draft in drafts
        ],
    )[:VERSION_DIGITS]


def assemble(
    *,
    name: str,
    family: TaskFamily,
    drafts: Sequence[Draft],
    settings: SplitSettings,
    version: str | None = None,
) -> tuple[Problem, ...]:
    """Problems in source order, with id and split; those beyond a size limit are left out."""
    version = content_version(drafts) if version is None else version
    splits = assign_splits([draft.question for draft in drafts], settings)
    return tuple(
        Problem(
            problem_id=f"{name}/{version}/{index}",
            benchmark=name,
            version=version,
            family=family,
            index=index,
            split=split,
            question=draft.question,
            reference=draft.reference,
            tests=draft.tests,
            choices=draft.choices,
            metadata=MappingProxyType(dict(draft.metadata)),
        )
        for index, (draft, split) in enumerate(zip(drafts, splits, strict=True))
        if split is not None
    )


def assign_splits(questions: Sequence[str], settings: SplitSettings) -> tuple[Split | None, ...]:
    """The split of each question; None where a size limit leaves it out.

    A question's rank depends on the seed and its text alone, so reordering the source moves no
    question, equal questions stay on one side, and a smaller limit keeps a subset of a larger one.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for index, question in enumerate(questions):
        groups[question].append(index)
    ranked = sorted(groups, key=lambda question: digest("split", settings.seed, question))
    wanted = round(len(questions) * settings.train_fraction)
    train: list[int] = []
    test: list[int] = []
    for question in ranked:
        fits = len(train) + len(groups[question]) <= wanted
        (train if fits else test).extend(groups[question])
    assigned: list[Split | None] = [None] * len(questions)
    for split, members, size in (
        ("train", train, settings.train_size),
        ("test", test, settings.test_size),
    ):
        for index in members[: _limit(split, size, len(members), settings.train_fraction)]:
            assigned[index] = "train" if split == "train" else "test"
    return tuple(assigned)


def _limit(split: str, size: int | None, available: int, train_fraction: float) -> int:
    if size is None:
        return available
    if size > available:
        raise BenchmarkError(
            f"{split}_size={size} is more than the {available} problems of the {split} split; "
            f"lower it, or change train_fraction={train_fraction}"
        )
    return size


def check_unchanged(*, benchmark: str, stored_version: str, current_version: str) -> None:
    """BenchmarkError when a source no longer is what a stored split was made of."""
    if stored_version != current_version:
        raise BenchmarkError(
            f"the source of benchmark {benchmark!r} changed under its stored split: stored version "
            f"{stored_version}, now {current_version}; restore the source, or give the changed one "
            "another benchmark name"
        )


def check_same_split(stored: Mapping[str, Split], problems: Iterable[Problem]) -> None:
    """BenchmarkError when a problem would change sides against the stored split.

    `stored` maps problem ids to their stored split; problems that are not stored yet are welcome,
    so that a size limit may grow.
    """
    moved = [
        problem
        for problem in problems
        if stored.get(problem.problem_id, problem.split) != problem.split
    ]
    if moved:
        listed = ", ".join(problem.problem_id for problem in moved[:EXAMPLES_SHOWN])
        raise BenchmarkError(
            f"{len(moved)} problems of benchmark {moved[0].benchmark!r} are on the other side of "
            f"the stored split ({listed}): use the seed and train_fraction it was made with, or "
            "another benchmark name"
        )
