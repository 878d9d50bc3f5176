"""What a run of a deployment may be asked for: the schema at the server, and the own check."""

import re

import pytest
from prefect.utilities.schema_tools.validation import is_valid

from flows.orchestrator import allowed
from lamas.errors import ConfigurationError

OWN = ["llm=openai", "home=/srv/lamas", "overlap=wait"]
KEYS = ["seed", "training.steps"]

REFUSED = [
    [],
    ["seed=3"],
    OWN[:2],
    [*OWN, "llm.base_url=http://127.0.0.1:1/v1"],
    [*OWN, "llm.api_key_env=HOME"],
    [*OWN, "home=/tmp/other"],
    [*OWN, "seed=1", "llm=endpoint"],
    [*OWN, "+seed=1"],
    [*OWN, "seed"],
    [*OWN, "seedling=1"],
    [*OWN, "trainingXsteps=1"],
    [*OWN, "seed=${oc.env:OPENAI_API_KEY}"],
    [*OWN, "seed=1\nllm=endpoint"],
    ["llm=openai", "home=/tmp/other", "overlap=wait"],
    [*reversed(OWN)],
]
GRANTED = [OWN, [*OWN, "seed=3"], [*OWN, "training.steps=2", "seed=-1"]]


@pytest.fixture(autouse=True)
def _told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(allowed.VARIABLE, "")
    allowed.tell_runs([["llm=openai", "report=1"], OWN], KEYS)


def fits(overrides: list[str], keys: list[str]) -> bool:
    schema = {"type": "object", "properties": {"overrides": allowed.schema(OWN, keys)}}
    return is_valid({"overrides": overrides}, schema)


@pytest.mark.parametrize("overrides", REFUSED)
def test_what_nobody_allowed_is_refused_by_both(overrides: list[str]) -> None:
    assert not fits(overrides, KEYS)
    with pytest.raises(ConfigurationError, match="this run was asked for"):
        allowed.refuse_others(overrides)


@pytest.mark.parametrize("overrides", GRANTED)
def test_what_the_deployment_has_and_values_of_allowed_keys_pass(overrides: list[str]) -> None:
    assert fits(overrides, KEYS)
    allowed.refuse_others(overrides)


def test_without_allowed_keys_only_the_deployments_own_pass() -> None:
    allowed.tell_runs([OWN], [])
    allowed.refuse_others(OWN)
    assert fits(OWN, [])
    assert not fits([*OWN, "seed=3"], [])
    with pytest.raises(ConfigurationError, match=re.escape("'seed=3'; runs of this deployment")):
        allowed.refuse_others([*OWN, "seed=3"])


@pytest.mark.slow
def test_elsewhere_everything_is_the_users_own_business(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(allowed.VARIABLE)
    allowed.refuse_others(["home=/anywhere"])
