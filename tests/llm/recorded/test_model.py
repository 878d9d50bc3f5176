"""What recorded answers are given to whom, what is assumed, and what happens at a miss."""

from dataclasses import replace
from pathlib import Path

import pytest

from lamas.domain import prompt_digest
from lamas.errors import ConfigurationError, ModelRequestError
from lamas.llm import ChatRequest, SeveralModels
from lamas.llm.prices import Price
from lamas.llm.recorded import RecordedChatModel, RecordedSettings, Speed, read_answers
from tests.llm.recorded.files import MODEL, asked, problem, row, write
from tests.scripted import Reply, ScriptedModel
from tests.virtual_time import VirtualTimeLoop

SPEED = Speed(time_to_first_token_seconds=0.5, tokens_per_second=8)
SETTINGS = RecordedSettings(model=MODEL, price=Price(input=1.0, output=2.0), speed=SPEED)


def _model(
    tmp_path: Path,
    rows: list[dict[str, object]],
    settings: RecordedSettings = SETTINGS,
    fallback: ScriptedModel | None = None,
) -> RecordedChatModel:
    answers = read_answers(write(tmp_path / "answers.parquet", rows))
    return RecordedChatModel(answers, [problem(), problem("Why?")], settings, fallback=fallback)


async def _text(model: RecordedChatModel, request: ChatRequest) -> str:
    return (await model.complete(request)).text


async def test_what_was_recorded_is_used_and_nothing_is_assumed(tmp_path: Path) -> None:
    model = _model(
        tmp_path,
        [
            row(
                input_tokens=30,
                output_tokens=12,
                seconds=1.5,
                time_to_first_token_seconds=0.25,
                finish_reason="length",
            )
        ],
    )
    (call,) = (await model.complete(asked())).attempts
    assert (call.usage_input_tokens, call.usage_output_tokens, call.usage_estimated) == (
        30,
        12,
        False,
    )
    assert (call.seconds, call.seconds_from, call.time_to_first_chunk_seconds) == (
        1.5,
        "recorded",
        0.25,
    )
    assert call.response_finish_reasons == ("length",)
    assert call.cost_usd == pytest.approx((30 * 1.0 + 12 * 2.0) / 1e6)


async def test_what_was_not_recorded_is_assumed_and_says_so(tmp_path: Path) -> None:
    model = _model(tmp_path, [row(text="x" * 17)])
    (call,) = (await model.complete(asked(prompt="p" * 9))).attempts
    assert call.usage_output_tokens == 5
    assert call.usage_input_tokens == 3 + 4
    assert call.usage_estimated
    assert (call.seconds, call.seconds_from) == (0.5 + 5 / 8, "assumed")


async def test_without_a_speed_seconds_are_not_made_up(tmp_path: Path) -> None:
    settings = RecordedSettings(model=MODEL, price=Price(input=0.0, output=0.0))
    model = _model(tmp_path, [row()], settings)
    with pytest.raises(ConfigurationError, match=r"no seconds of model old-model.*llm\.speed"):
        await model.complete(asked())


async def test_one_rollout_is_never_given_one_answer_twice(tmp_path: Path) -> None:
    rows = [row(operator="Many", text=str(sample), sample=sample) for sample in range(12)]
    model = _model(tmp_path, rows)
    given = {
        (layer, branch): await _text(model, asked("Many", layer=layer, branch=branch, branches=3))
        for layer in (1, 2)
        for branch in range(3)
    }
    assert sorted(given.values(), key=int) == ["0", "1", "2", "3", "4", "5"]
    assert await _text(model, asked("Many", sample=2, branch=1, branches=3)) == "7"


async def test_a_miss_names_question_operator_model_and_sample(tmp_path: Path) -> None:
    model = _model(tmp_path, [row()])
    with pytest.raises(
        ModelRequestError,
        match=r"'Why\?' .*operator Generate, model old-model, sample 0: record it, or name",
    ):
        await model.complete(asked(of=problem("Why?")))
    with pytest.raises(ModelRequestError, match=r"sample 1: it has 1 of them; .*repeat=true"):
        await model.complete(asked(sample=1))
    with pytest.raises(ModelRequestError, match="is none of them"):
        await model.complete(asked(of=problem("Unheard of?")))


async def test_a_question_asked_twice_has_the_answers_of_either(tmp_path: Path) -> None:
    rows = [{name: value for name, value in row().items() if name != "question"}]
    answers = read_answers(write(tmp_path / "a.parquet", [{**rows[0], "question_id": 1}]))
    first, second = problem(question_id="1"), problem(question_id="2")
    second = replace(second, problem_id="toy/1/second")
    model = RecordedChatModel(answers, [first, second], SETTINGS)
    assert await _text(model, asked(of=second)) == "Two of them."


async def test_samples_are_repeated_when_asked(tmp_path: Path) -> None:
    settings = RecordedSettings(model=MODEL, price=SETTINGS.price, speed=SPEED, repeat=True)
    model = _model(tmp_path, [row(text="a"), row(text="b", sample=1)], settings)
    texts = [await _text(model, asked(sample=sample)) for sample in range(4)]
    assert texts == ["a", "b", "a", "b"]


async def test_one_operators_answers_may_serve_another(tmp_path: Path) -> None:
    settings = RecordedSettings(
        model=MODEL, price=SETTINGS.price, speed=SPEED, stands_for={"MultiGenerateCoT": "Generate"}
    )
    model = _model(tmp_path, [row(text="a"), row(text="b", sample=1)], settings)
    assert await _text(model, asked("MultiGenerateCoT", branch=1, branches=2)) == "b"


async def test_a_prompt_on_record_is_the_one_that_is_answered(tmp_path: Path) -> None:
    request = asked("SelfRefine", prompt="Better than: two")
    model = _model(
        tmp_path, [row(operator="SelfRefine", prompt_digest=prompt_digest(request.messages))]
    )
    assert await _text(model, request) == "Two of them."
    with pytest.raises(ModelRequestError, match="operator SelfRefine"):
        await model.complete(asked("SelfRefine", prompt="Better than: three"))


async def test_a_miss_goes_to_the_fallback_with_a_key_of_its_own(tmp_path: Path) -> None:
    fallback = ScriptedModel(lambda request: Reply("asked anew"))
    model = _model(tmp_path, [row()], fallback=fallback)
    assert await _text(model, asked()) == "Two of them."
    assert fallback.requests == []
    first = asked(of=problem("Why?"))
    assert await _text(model, first) == "asked anew"
    await model.complete(replace(first, sample_key="another run", seed=99))
    await model.complete(asked(of=problem("Why?"), sample=1))
    keys = [(request.sample_key, request.seed) for request in fallback.requests]
    assert keys[0] == keys[1] != keys[2]


def test_it_waits_only_when_asked(tmp_path: Path) -> None:
    for scale, waited in ((0.0, 0.0), (2.0, 3.0)):
        settings = RecordedSettings(model=MODEL, price=SETTINGS.price, time_scale=scale)
        model = _model(tmp_path, [row(seconds=1.5)], settings)
        loop = VirtualTimeLoop()
        try:
            loop.run_until_complete(model.complete(asked()))
            assert loop.time() == waited
        finally:
            loop.close()


@pytest.mark.slow
async def test_each_request_goes_to_the_model_it_names(tmp_path: Path) -> None:
    named = {name: ScriptedModel(lambda request, name=name: Reply(name)) for name in "ab"}
    several = SeveralModels(ScriptedModel(lambda request: Reply("default")), named)
    request = asked()
    said = [
        (await several.complete(replace(request, model=name))).text for name in (None, "a", "b")
    ]
    assert said == ["default", "a", "b"]
    with pytest.raises(ConfigurationError, match=r"asks model 'c', which llm\.models .* a, b"):
        await several.complete(replace(request, model="c"))
