"""The command in a report leads to the configuration that was stored."""

import json
import shlex

import pytest

from flows.settings.compose import load_settings
from flows.settings.reproduce import command, overrides_for, resolves_to


def stored(*overrides: str) -> str:
    return json.dumps(load_settings(overrides).model_dump(mode="json"), sort_keys=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "found"),
    [
        (
            ["llm=simulated", "training.steps=6", "evaluation.baselines=[generate,everything]"],
            ["llm=simulated", "evaluation.baselines=[generate,everything]", "training.steps=6"],
        ),
        (["experiment=demo", "home=/elsewhere"], ["experiment=demo"]),
        (
            [
                "llm=simulated",
                "sweep.grid={training.lambda_t:[0.001,0.02],controller.layers:[2,6]}",
                'comparison.variants={a:[],b:["credit=uniform"]}',
                "comparison.against={a:[b]}",
            ],
            None,
        ),
        (["llm=endpoint", "llm.base_url=http://127.0.0.1:8000/v1", "llm.model=a model"], None),
    ],
)
def test_what_was_given_is_found_again(given: list[str], found: list[str] | None) -> None:
    config = stored(*given)
    overrides = overrides_for(config)
    if found is not None:
        assert overrides == found
    assert resolves_to(overrides, config)
    words = shlex.split(command("retrain", overrides))
    assert words == ["lamas", "retrain", *overrides]


@pytest.mark.slow
def test_a_configuration_of_another_version_is_told() -> None:
    content = json.loads(stored("llm=simulated"))
    content["training"]["patience"] = 3
    config = json.dumps(content)
    overrides = overrides_for(config)
    assert overrides == ["llm=simulated"]
    assert not resolves_to(overrides, config)
