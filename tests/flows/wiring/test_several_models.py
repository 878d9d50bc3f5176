"""Several models from one configuration: what each is, which are opened, and within what caps."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from flows.settings import Settings
from flows.settings.compose import load_settings
from flows.wiring.model import check_models, open_model, used_models
from lamas.domain import ChatMessage, Clock, Problem
from lamas.errors import BudgetExceededError, ConfigurationError, ModelRequestError
from lamas.llm import Budget, ChatModel, ChatRequest, ResponseStore
from tests.factories import make_problem

pytestmark = pytest.mark.slow

PROBLEM = replace(make_problem(0), question="Ann has 3 apples and buys 2. How many has she?")
RECORDED = ("llm=recorded", "llm.model=old", "llm.speed={tokens_per_second: 8}")
SIMULATED = ("llm=simulated", "llm.simulated.in_process=true", "llm.price={input: 0, output: 1e6}")


def _settings(home: Path, *overrides: str) -> Settings:
    return load_settings([f"home={home}", *overrides])


def _file(folder: Path, *, model: str = "old", operator: str = "GenerateCoT") -> Path:
    path = folder / "answers.parquet"
    row = {"question": PROBLEM.question, "operator": operator, "model": model, "sample": 0}
    pl.DataFrame([{**row, "text": "She has 5."}]).write_parquet(path)
    return path


def _request(operator: str = "GenerateCoT", *, model: str | None = None, sample: int = 0):
    return ChatRequest(
        messages=(ChatMessage(role="user", content=PROBLEM.question),),
        temperature=1.0,
        max_tokens=50,
        sample_key=f"r{sample}/1/{operator}/0.0",
        seed=sample,
        model=model,
        labels={
            "operator": operator,
            "problem_id": PROBLEM.problem_id,
            "layer": "1",
            "stage": "0",
            "branch": "0",
            "branches": "1",
            "sample": str(sample),
        },
    )


async def _open(
    settings: Settings,
    stack: AsyncExitStack,
    *,
    problems: Sequence[Problem] = (PROBLEM,),
    budget: Budget | None = None,
    budgets: dict[str, Budget] | None = None,
) -> ChatModel:
    store = stack.enter_context(ResponseStore(settings.responses_path, run_id="run"))
    return await open_model(
        settings,
        stack,
        tuple(problems),
        store=store,
        budget=budget or Budget(),
        budgets=budgets or {},
        clock=Clock(),
    )


def test_a_model_is_the_default_one_except_where_it_says_otherwise(tmp_path: Path) -> None:
    settings = _settings(
        tmp_path,
        "llm=openai",
        "llm.concurrency=7",
        "llm.max_usd=3",
        "+llm.models.near={model: small, base_url: http://127.0.0.1:9/v1, concurrency: 2}",
        "+llm.models.dear={model: gpt-4o, max_usd: 1, api_key_env: OTHER_KEY}",
    )
    near, dear = (settings.of_model(name).llm for name in ("near", "dear"))
    assert (near.kind, near.model, near.base_url) == ("endpoint", "small", "http://127.0.0.1:9/v1")
    # A key goes to no other address, and a price to no other model, than it was given with.
    assert (near.api_key_env, near.price, near.max_usd, near.concurrency) == (None, None, None, 2)
    assert dear.base_url == settings.llm.base_url
    assert (dear.api_key_env, dear.max_usd, dear.concurrency) == ("OTHER_KEY", 1, 7)
    assert settings.of_model(None) is settings
    with pytest.raises(ConfigurationError, match=r"llm\.models has no 'far'; known there: near, "):
        settings.of_model("far")


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["llm=recorded", "llm.model=m", "llm.path=null"], "kind 'recorded' needs path"),
        (
            ["llm=simulated", "+llm.models.a={kind: endpoint, model: m}"],
            "models.a: kind 'endpoint'",
        ),
        (["llm=embedded", "+llm.models.a={model: m}"], "models.a: there is one embedded model"),
        (["llm=simulated", "+llm.models={a@b: {model: m}}"], "a@b: a name has letters, digits"),
        (["llm=simulated", "llm.fallback=b"], "fallback='b' is none of llm.models"),
        (["llm=simulated", "+llm.models.a={modell: m}"], "unknown key llm.models.a.modell"),
        (
            ["llm=simulated", "+llm.models.a={model: m, max_calls: 3}", "engine=dask"],
            "llm.models.a has a cap of its own",
        ),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(
    tmp_path: Path, overrides: list[str], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence.replace("(", r"\(")) as caught:
        _settings(tmp_path, *[item.replace("llm.fallback", "+llm.fallback") for item in overrides])
    assert "\n" not in str(caught.value)


def test_only_models_that_may_be_asked_are_opened(tmp_path: Path) -> None:
    two = ["+llm.models.a={model: m}", "+llm.models.b={model: n}", "+llm.models.c={model: o}"]
    enabled = "operators.enabled=[GenerateCoT@b,ScEnsemble,EarlyStop]"
    assert used_models(_settings(tmp_path, *SIMULATED, *two, enabled)) == ("b",)
    enabled = "operators.enabled=[GenerateCoT@b,Generate]"
    fallback = ["+llm.fallback=c"]
    both = _settings(tmp_path, *SIMULATED, *two, *fallback, enabled)
    assert used_models(both) == ("c", "b", None)


async def test_an_operator_without_any_answer_is_known_before_the_run(tmp_path: Path) -> None:
    path = _file(tmp_path)
    recorded = [*RECORDED[:2], f"llm.path={path}"]
    await check_models(_settings(tmp_path, *recorded, "operators.enabled=[GenerateCoT,ScEnsemble]"))
    settings = _settings(tmp_path, *recorded, "operators.enabled=[GenerateCoT,SelfRefine]")
    with pytest.raises(ConfigurationError, match=r"no answer of operator SelfRefine by model old"):
        await check_models(settings)
    settings = _settings(
        tmp_path, *recorded, "+llm.models.a={model: new}", "operators.enabled=[GenerateCoT@a]"
    )
    with pytest.raises(ConfigurationError, match=r"GenerateCoT@a by model new: .*CoT by old"):
        await check_models(settings)


async def test_what_is_not_on_record_is_asked_once_and_kept(tmp_path: Path) -> None:
    overrides = [
        "llm=recorded",
        "llm.model=old",
        f"llm.path={_file(tmp_path)}",
        "llm.speed={time_to_first_token_seconds: 1, tokens_per_second: 8}",
        "+llm.models.new={kind: simulated, model: new, price: {input: 0, output: 1}}",
        "llm.simulated.in_process=true",
        "llm.fallback=new",
    ]
    answers: list[tuple[str, str, bool]] = []
    for _ in range(2):
        async with AsyncExitStack() as stack:
            model = await _open(_settings(tmp_path, *overrides), stack)
            for sample in range(2):
                result = await model.complete(_request(sample=sample))
                call = result.attempts[-1]
                answers.append((call.request_model, result.text, call.replayed))
    assert answers[0] == ("old", "She has 5.", False)
    assert answers[1][0] == "new"
    assert not answers[1][2]
    # Another run, another store handle: the same answer, not paid again.
    assert answers[2:] == [answers[0], (*answers[1][:2], True)]
    async with AsyncExitStack() as stack:
        without = [item for item in overrides if "fallback" not in item]
        model = await _open(_settings(tmp_path, *without), stack)
        with pytest.raises(ModelRequestError, match="GenerateCoT, model old, sample 1"):
            await model.complete(_request(sample=1))


async def test_each_model_has_caps_of_its_own_within_those_of_all(tmp_path: Path) -> None:
    settings = _settings(
        tmp_path,
        *SIMULATED,
        "+llm.models.a={model: m, max_calls: 2, price: {input: 0, output: 1}}",
        "+llm.models.b={model: n, price: {input: 0, output: 1}}",
        "operators.enabled=[GenerateCoT@a,GenerateCoT@b]",
    )
    async with AsyncExitStack() as stack:
        budgets = {"a": Budget(max_calls=2)}
        model = await _open(settings, stack, budget=Budget(max_calls=5), budgets=budgets)
        for sample in range(2):
            await model.complete(_request(model="a", sample=sample))
        with pytest.raises(BudgetExceededError, match=r"cap llm\.models\.a\.max_calls=2 is"):
            await model.complete(_request(model="a", sample=2))
        for sample in range(3):
            await model.complete(_request(model="b", sample=sample))
        with pytest.raises(BudgetExceededError, match=r"cap llm\.max_calls=5 is reached"):
            await model.complete(_request(model="b", sample=3))
    with ResponseStore(settings.responses_path, run_id="run") as store:
        assert [store.paid(name)[0] for name in ("m", "n", "other", None)] == [2, 3, 0, 5]
