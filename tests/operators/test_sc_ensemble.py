"""ScEnsemble: when it votes, when it asks, what it does with a reply it cannot read."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.operators import OperatorSettings
from lamas.operators.sc_ensemble import first_most_frequent, strict_plurality
from tests.operators.chains import run_operator
from tests.scripted import Reply, ScriptedModel, problem_of

VOTES = st.lists(st.sampled_from(["1", "2", "3", None]), min_size=1, max_size=8)


def asked(letter: str) -> ScriptedModel:
    return ScriptedModel(lambda request: Reply(letter))


async def test_a_strict_plurality_wins_without_a_call() -> None:
    model = asked("A")
    ran = await run_operator(
        "ScEnsemble", problem_of(), model, candidates=["so 7", "is 42", "then 42", "no idea"]
    )
    assert (ran.candidates, model.requests) == (("is 42",), [])


async def test_a_tie_is_put_to_the_model_with_all_candidates_lettered() -> None:
    model = asked("B")
    ran = await run_operator("ScEnsemble", problem_of(), model, candidates=["so 7", "is 42"])
    assert ran.candidates == ("is 42",)
    assert "A: so 7\n\nB: is 42" in model.shown("ScEnsemble")[0]
    assert model.requests[0].max_tokens <= 100


async def test_the_published_method_always_asks() -> None:
    model = asked("C")
    ran = await run_operator(
        "ScEnsemble",
        problem_of(),
        model,
        candidates=["42", "42", "7"],
        settings=OperatorSettings(ensemble="model"),
    )
    assert ran.candidates == ("7",)
    assert len(model.requests) == 1


@pytest.mark.parametrize(
    ("candidates", "picked"),
    [(["1", "2", "3", "2", "1"], "1"), (["none", "8", "9"], "8"), (["none", "nothing"], "none")],
)
async def test_an_unreadable_reply_falls_back_on_the_first_of_the_most_frequent(
    candidates: Sequence[str], picked: str
) -> None:
    ran = await run_operator("ScEnsemble", problem_of(), asked("?"), candidates=candidates)
    assert ran.candidates == (picked,)


@given(VOTES)
def test_strict_plurality_against_counting_every_pair(votes: list[str | None]) -> None:
    cast = [vote for vote in votes if vote is not None]
    winners = [
        position
        for position, vote in enumerate(votes)
        if vote is not None
        and all(cast.count(vote) > cast.count(other) for other in cast if other != vote)
    ]
    assert strict_plurality(votes) == (winners[0] if winners else None)


@pytest.mark.slow
@given(VOTES)
def test_the_fallback_is_a_most_frequent_vote_and_none_stands_before_it(
    votes: list[str | None],
) -> None:
    position = first_most_frequent(votes)
    cast = [vote for vote in votes if vote is not None]
    if not cast:
        assert position == 0
        return
    most = max(cast.count(vote) for vote in cast)
    assert [v for v in votes[:position] if v is not None and cast.count(v) == most] == []
    assert cast.count(votes[position] or "") == most
