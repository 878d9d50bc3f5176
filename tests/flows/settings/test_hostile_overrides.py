"""Overrides that reach for the environment, the file system or Python: sentences, and no key."""

import pytest

from flows.settings.compose import load_settings
from lamas.errors import ConfigurationError

pytestmark = pytest.mark.attack

KEY = "sk-of-the-environment-0123456789"


@pytest.mark.parametrize(
    "override",
    [
        "benchmark.name=${oc.env:SECRET_API_KEY}",
        "benchmark.name='${oc.env:SECRET_API_KEY}'",
        "llm.base_url=http://127.0.0.1/${oc.env:SECRET_API_KEY}",
        "benchmark.name=${oc.env:NOT_THERE,${oc.env:SECRET_API_KEY}}",
        "+benchmark.name=${oc.env:SECRET_API_KEY}",
        "llm.extra_body={a: '${oc.env:SECRET_API_KEY}'}",
    ],
)
def test_the_environment_is_not_read_into_what_is_recorded(
    monkeypatch: pytest.MonkeyPatch, override: str
) -> None:
    monkeypatch.setenv("SECRET_API_KEY", KEY)
    with pytest.raises(ConfigurationError) as raised:
        load_settings([override])
    assert KEY not in str(raised.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    "override",
    [
        "llm._target_=os.system",
        "+llm._target_=os.system",
        "llm=../../../../etc/passwd",
        "llm=/etc/passwd",
        "experiment=../llm/openai",
        "hydra/launcher=submitit",
        "seed=99999999999999999999999999",
        "training.learning_rate=nan",
        "sandbox.cpu_seconds=inf",
        "llm.max_usd=nan",
        "controller.threshold=nan",
        "benchmark.name=${benchmark.name}",
        "a" * 100_000 + "=1",
        "=1",
        "=",
        "~llm",
        "seed=" + "[" * 3000 + "]" * 3000,
        "seed=" + "{a:" * 1500 + "1" + "}" * 1500,
        "benchmark.name=\ud800",
    ],
)
def test_strange_overrides_end_in_a_sentence(override: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load_settings([override])
    assert "\n" not in str(raised.value)


@pytest.mark.slow
def test_one_key_may_still_stand_for_another() -> None:
    settings = load_settings(["home=somewhere", "benchmark.name=${home}-questions"])
    assert settings.benchmark.name == "somewhere-questions"
