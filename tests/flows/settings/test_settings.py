"""Every option composes and validates; what cannot be used is named in one sentence."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from omegaconf import OmegaConf
from pydantic import BaseModel, JsonValue

from conf import FOLDER
from flows.settings import Settings
from flows.settings.compose import compose_config, load_settings
from flows.settings.first_keys import without_unused_later_keys
from flows.wiring.endpoint import endpoint_settings, price
from flows.wiring.learning import controller_settings, trainer_settings
from flows.wiring.model import retry_policy
from flows.wiring.sandbox import process_sandbox
from lamas.errors import ConfigurationError

REQUIRED = {
    "benchmark=bbh": ["benchmark.path=questions.parquet"],
    "benchmark=choice": ["benchmark.path=questions.jsonl"],
    "benchmark=file": ["benchmark.path=problems.jsonl"],
    "benchmark=math": ["benchmark.path=math.jsonl"],
    "benchmark=mmlu_pro": ["benchmark.path=questions.parquet"],
    "controller=lamas": ["learner=reinforce"],
    "controller=paper": ["learner=reinforce"],
    "experiment=proof_bbh": ["benchmark.path=questions.parquet", "llm.path=answers.parquet"],
    "experiment=proof_mmlu_pro": ["benchmark.path=questions.parquet", "llm.path=answers.parquet"],
    "experiment=proof_gsm8k": ["benchmark.path=questions.parquet", "llm.path=answers.parquet"],
    "experiment=proof_math": ["benchmark.path=questions.parquet", "llm.path=answers.parquet"],
    "experiment=race_math": ["benchmark.path=questions.parquet", "llm.path=answers.parquet"],
    "llm=endpoint": ["llm.base_url=http://127.0.0.1:8000/v1", "llm.model=tiny"],
    "llm=recorded": ["llm.path=answers.parquet", "llm.model=old-model"],
}
"""What an option cannot know by itself."""

OPTIONS = sorted(f"{path.parent.name}={path.stem}" for path in FOLDER.glob("*/*.yaml"))

# Everything else in the configuration determines what a run finds.
NO_RESULT = {
    "home",
    "warehouse",
    "warehouse_wait_seconds",
    "resume",
    "overlap",
    "prefect.port",
    "sandbox.concurrency",
    "llm.simulated.in_process",
    "llm.recorded.time_scale",
    "execution.concurrency",
    "execution.granularity",
    "operators.prompts",
    "training.max_failed_fraction",
    "llm.api_key_env",
    "llm.concurrency",
    "llm.max_usd",
    "llm.max_calls",
    "llm.across_processes.concurrency",
    "llm.across_processes.per_second",
    "llm.retry.attempts",
    "llm.retry.backoff_seconds",
    "llm.retry.backoff_max_seconds",
    "llm.retry.outage_seconds",
    "llm.connect_timeout_seconds",
    "llm.first_chunk_timeout_seconds",
    "llm.total_timeout_seconds",
}

# Sections about when, where and how things are kept, or about other commands than a retrain.
NO_RESULT_SECTIONS = {
    "calibration",
    "comparison",
    "deployment",
    "drift",
    "engine",
    "export",
    "gateway",
    "judge",
    "latency",
    "recording",
    "retention",
    "serving",
    "simulation",
    "sweep",
}


@pytest.mark.slow
@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_composes_validates_and_builds_its_parts(option: str) -> None:
    settings = load_settings([option, *REQUIRED.get(option, [])])
    controller_settings(settings)
    trainer_settings(settings)
    process_sandbox(settings)
    retry_policy(settings)
    assert price(settings).output >= 0
    endpoint_settings(settings, settings.llm.base_url or "http://127.0.0.1:1/v1")
    group, _, name = option.partition("=")
    if group == "llm":
        expected = "endpoint" if name == "openai" else name
        assert settings.llm.kind == expected


@pytest.mark.slow
@pytest.mark.parametrize("option", sorted(REQUIRED))
def test_what_an_option_needs_is_asked_for_by_name(option: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(REQUIRED[option][0].partition("=")[0])):
        load_settings([option])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("foo=1", "unknown key foo;"),
        ("foo.bar=1", "unknown key foo"),
        ("training.stepz=1", "unknown key training.stepz"),
        ("llm=gpt9", "gpt9"),
        ("training.steps=-1", "training.steps=-1 cannot be used: .*greater than or equal to 0"),
        ("training.steps=many", "training.steps='many' cannot be used"),
        ("training.learning_rate=inf", "training.learning_rate=inf cannot be used"),
        ("training.lambda_c=nan", "training.lambda_c=nan cannot be used"),
        ("seed=9223372036854775808", "seed=9223372036854775808 cannot be used"),
        ("execution.mode=both", "execution.mode='both' cannot be used.*'parallel' or 'sequential'"),
        ("llm.kind=endpoint", "llm.model is missing: set it with llm.model=…"),
        ("home=null", "home is missing"),
        ("training.rollouts_per_problem=1", "leave_one_out needs training.rollouts_per_problem"),
        ("llm.simulated.faults.hang=2", "llm.simulated.faults.hang=2 cannot be used"),
        ("prefect.port=70000", "prefect.port=70000"),
        ("training.steps=[", r"override 'training\.steps=\[' cannot be read .*quote a value"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_it(override: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        load_settings(["baseline=leave_one_out", override])
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_interpolations_follow_their_source() -> None:
    assert load_settings(["home=/elsewhere"]).warehouse == Path("/elsewhere/warehouse.duckdb")
    moved = load_settings(["home=/elsewhere", "warehouse=/tmp/w.duckdb"])
    assert moved.warehouse == Path("/tmp/w.duckdb")
    assert moved.responses_path == Path("/elsewhere/responses.sqlite")


def test_what_is_shown_can_be_read_back() -> None:
    settings = load_settings(["llm=simulated", "seed=5"])
    shown = OmegaConf.create(OmegaConf.to_yaml(settings.model_dump(mode="json")))
    assert Settings.model_validate(OmegaConf.to_container(shown)) == settings


@pytest.mark.slow
def test_the_embedded_model_goes_by_the_name_of_its_file() -> None:
    assert load_settings([]).llm.model == "smollm2-135m-instruct"
    assert load_settings(["llm.gguf=/models/Qwen3-0.6B.Q8_0.gguf"]).llm.model == "qwen3-0.6b.q8_0"
    named = load_settings(["llm.gguf=/models/Qwen3-0.6B.Q8_0.gguf", "llm.model=mine"])
    assert named.llm.model == "mine"


def test_only_embedded_models_have_a_name_by_themselves() -> None:
    with pytest.raises(ConfigurationError, match=r"llm\.model"):
        load_settings(["llm=simulated", "llm.model=null"])


def test_composing_twice_gives_the_same_and_forgets_overrides() -> None:
    first = compose_config(["seed=3"])
    assert first.seed == 3
    assert compose_config([]).seed == 0


def _leaves(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, object]]:
    for name in type(model).model_fields:
        value: object = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _changed(model: BaseModel, path: list[str]) -> BaseModel:
    """The settings with another value at `path`; the digest does not ask whether it is legal."""
    value: object = getattr(model, path[0])
    other = _changed(value, path[1:]) if isinstance(value, BaseModel) else _other(value)
    return model.model_copy(update={path[0]: other})


def _other(value: object) -> object:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case Path():
            return value / "other"
        case str():
            return f"{value}x"
        case list():
            return ["other"]
        case dict():
            return {"other": 1}
        case _:
            return "other"


SETTINGS = load_settings(["llm=simulated"])
LEAVES = [name for name, _ in _leaves(SETTINGS)]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("key", LEAVES)
def test_exactly_what_determines_results_is_in_the_digest(key: str) -> None:
    changed = _changed(SETTINGS, key.split("."))
    assert isinstance(changed, Settings)
    assert changed != SETTINGS
    before, after = (item.result_digest("retrain", prompts="p") for item in (SETTINGS, changed))
    without_result = key in NO_RESULT or key.partition(".")[0] in NO_RESULT_SECTIONS
    assert (before == after) == without_result


@pytest.mark.parametrize("changed", ["kind", "prompts"])
def test_the_digest_tells_flows_and_prompts_apart(changed: Literal["kind", "prompts"]) -> None:
    given = {"kind": "retrain", "prompts": "p"}
    other = {**given, changed: "other"}
    assert SETTINGS.result_digest(given["kind"], prompts=given["prompts"]) != (
        SETTINGS.result_digest(other["kind"], prompts=other["prompts"])
    )


def test_keys_without_a_result_exist() -> None:
    assert set(LEAVES) >= NO_RESULT


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        "{api_key: x}",
        "{headers: {Authorization: x}}",
        "{a: [{b: {c: {access_token: x}}}]}",
        "{metadata: {note: Bearer abcdef123456}}",
        "{tags: [fine, sk-abcdef123456]}",
        "{deep: {er: [[{PassWord: 1}]]}}",
    ],
)
def test_a_key_at_any_depth_of_the_extra_body_is_refused_without_repeating_it(body: str) -> None:
    with pytest.raises(ConfigurationError, match=r"llm\.extra_body.*llm\.api_key_env") as caught:
        load_settings(["llm=openai", f"+llm.extra_body={body}"])
    assert "abcdef123456" not in str(caught.value)


@pytest.mark.slow
def test_what_an_endpoint_wants_besides_is_taken() -> None:
    body = "{top_p: 0.9, chat_template_kwargs: {enable_thinking: false}, stop: [END], n: null}"
    settings = load_settings(["llm=openai", f"+llm.extra_body={body}", "llm.omit=[seed]"])
    assert settings.llm.extra_body["chat_template_kwargs"] == {"enable_thinking": False}
    assert settings.llm.omit == ["seed"]
    with pytest.raises(ConfigurationError, match=r"llm\.omit"):
        load_settings(["llm=openai", "llm.omit=[max_tokens]"])


# What the first release did by itself and later ones do otherwise.
THEN = ("learner=reinforce", "operators.end_at_answer=false", "operators.computed=ask")
# As the first release made them, with prompts "p": a run of that release is found again by them.
FIRST_DIGESTS: dict[tuple[str, ...], str] = {
    (): "5164ea0d7a0e7bee96a918ff476355ab",
    ("llm=simulated",): "d5bac693c29c4486355a84b55b3d5aa7",
    ("llm=simulated", "llm.price=null"): "f1657cf5103789941666ffa972a9b82f",
    ("benchmark=gsm8k", "benchmark.path=/x"): "01c230d8bf912c3e57c8f37e2d2a20de",
}


@pytest.mark.slow
@pytest.mark.parametrize("overrides", FIRST_DIGESTS)
def test_keys_that_came_later_leave_the_digest_as_it_was(overrides: tuple[str, ...]) -> None:
    settings = load_settings([*THEN, *overrides])
    assert settings.result_digest("retrain", prompts="p") == FIRST_DIGESTS[overrides]


def test_a_later_key_counts_once_it_is_used() -> None:
    first: JsonValue = {"seed": 0, "llm": {"model": "m", "later": 1, "new": {"a": 1, "b": 2}}}
    used: JsonValue = {"llm": {"model": "m", "new": {"b": 2}}}
    assert without_unused_later_keys(first, used) == {
        "seed": 0,
        "llm": {"model": "m", "new": {"b": 2}},
    }
    assert without_unused_later_keys(first, {}) == {"seed": 0, "llm": {"model": "m"}}


@pytest.mark.slow
def test_items_of_a_list_are_sections_too() -> None:
    content: JsonValue = {
        "benchmark": {"datasets": [{"name": "n", "later": 1}, {"name": "n", "later": 2}]}
    }
    used: JsonValue = {"benchmark": {"datasets": [{"name": "n"}, {"name": "n", "later": 2}]}}
    assert without_unused_later_keys(content, used) == used
