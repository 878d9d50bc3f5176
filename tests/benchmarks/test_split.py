"""Splits: a function of seed and question, stable under order and limits, checked when stored."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.benchmarks import SplitSettings, check_same_split, check_unchanged
from lamas.benchmarks.split import Draft, assemble, assign_splits
from lamas.domain import Split
from lamas.errors import BenchmarkError

QUESTIONS = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=60, unique=True)
TRAIN_AT_SEED_7 = [11, 13, 14, 19]
SEEDS = st.integers(0, 2**31 - 1)


def _drafts(count: int) -> list[Draft]:
    return [Draft(question=f"What is {n} + 1?", reference=str(n + 1)) for n in range(count)]


@given(QUESTIONS, SEEDS)
def test_train_is_a_fifth(questions: list[str], seed: int):
    counts = Counter(assign_splits(questions, SplitSettings(seed=seed)))
    assert counts["train"] == round(len(questions) / 5)
    assert counts["train"] + counts["test"] == len(questions)


@given(QUESTIONS, SEEDS, st.randoms(use_true_random=False))
def test_reordering_the_source_moves_no_question(questions: list[str], seed: int, random: object):
    settings = SplitSettings(seed=seed)
    shuffled = sorted(questions, key=lambda question: hash((question, str(random))))
    before = dict(zip(questions, assign_splits(questions, settings), strict=True))
    after = dict(zip(shuffled, assign_splits(shuffled, settings), strict=True))
    assert before == after


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=40), SEEDS)
def test_equal_questions_stay_on_one_side(questions: list[str], seed: int):
    splits = assign_splits(questions, SplitSettings(seed=seed, train_fraction=0.5))
    sides: dict[str, set[str | None]] = {}
    for question, split in zip(questions, splits, strict=True):
        sides.setdefault(question, set()).add(split)
    assert all(len(side) == 1 for side in sides.values())


@given(QUESTIONS, SEEDS, st.data())
def test_a_smaller_limit_keeps_a_subset(questions: list[str], seed: int, data: st.DataObject):
    everything = assign_splits(questions, SplitSettings(seed=seed, train_fraction=0.4))
    most = everything.count("train")
    larger = data.draw(st.integers(0, most))
    smaller = data.draw(st.integers(0, larger))
    kept = [
        {
            question
            for question, split in zip(
                questions,
                assign_splits(
                    questions, SplitSettings(seed=seed, train_fraction=0.4, train_size=size)
                ),
                strict=True,
            )
            if split == "train"
        }
        for size in (smaller, larger)
    ]
    assert kept[0] <= kept[1]
    assert [len(part) for part in kept] == [smaller, larger]


def test_the_split_is_what_it_was_when_this_was_written():
    """Stored splits outlive releases: a change here breaks every warehouse."""
    splits = assign_splits([f"question {n}" for n in range(20)], SplitSettings(seed=7))
    assert [index for index, split in enumerate(splits) if split == "train"] == TRAIN_AT_SEED_7


def test_seeds_differ():
    questions = [f"question {n}" for n in range(100)]
    first, second = (assign_splits(questions, SplitSettings(seed=seed)) for seed in (0, 1))
    assert first != second


def test_ids_are_unique_and_say_benchmark_version_and_position():
    problems = assemble(
        name="sums", family="math", drafts=_drafts(30), settings=SplitSettings(train_size=3)
    )
    assert len({problem.problem_id for problem in problems}) == len(problems) == 3 + 24
    assert all(
        problem.problem_id == f"sums/{problem.version}/{problem.index}" for problem in problems
    )


def test_the_version_is_that_of_the_content():
    def version(drafts: list[Draft]) -> str:
        settings = SplitSettings()
        return assemble(name="sums", family="math", drafts=drafts, settings=settings)[0].version

    drafts = _drafts(10)
    assert version(drafts) == version(_drafts(10))
    changed = [*drafts[:-1], Draft(question=drafts[-1].question, reference="another")]
    assert version(changed) != version(drafts)
    assert version(drafts[::-1]) != version(drafts)


@pytest.mark.parametrize("limit", [{"train_size": 7}, {"test_size": 25}])
def test_a_limit_beyond_the_split_is_an_error(limit: dict[str, int]):
    with pytest.raises(BenchmarkError, match=r"is more than the (6|24) problems"):
        assemble(name="sums", family="math", drafts=_drafts(30), settings=SplitSettings(**limit))


@pytest.mark.parametrize("limit", [{"train_size": -1}, {"train_fraction": 1.5}])
def test_senseless_settings_are_an_error(limit: dict[str, int]):
    with pytest.raises(BenchmarkError, match=r"negative|outside"):
        SplitSettings(**limit)


def test_a_source_that_changed_under_a_stored_split_is_an_error():
    check_unchanged(benchmark="sums", stored_version="aa", current_version="aa")
    with pytest.raises(BenchmarkError, match=r"'sums' changed under its stored split.*aa.*bb"):
        check_unchanged(benchmark="sums", stored_version="aa", current_version="bb")


def test_a_problem_that_would_change_sides_is_an_error():
    problems = assemble(
        name="sums", family="math", drafts=_drafts(30), settings=SplitSettings(seed=1)
    )
    stored: dict[str, Split] = {problem.problem_id: problem.split for problem in problems}
    check_same_split(stored, problems)
    check_same_split({}, problems)
    other = assemble(name="sums", family="math", drafts=_drafts(30), settings=SplitSettings(seed=2))
    with pytest.raises(BenchmarkError, match="other side of the stored split"):
        check_same_split(stored, other)
