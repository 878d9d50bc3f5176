"""`~` in a value on the command line is the home folder, as everywhere on a terminal."""

import pytest

from flows.settings.compose import load_settings


@pytest.mark.slow
def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere/to live")
    settings = load_settings(
        ["benchmark=file", "benchmark.path=~/a.jsonl", "operators.prompts=~/p", "home=~/h"]
    )
    assert settings.benchmark.path == "/somewhere/to live/a.jsonl"
    assert settings.operators.prompts == "/somewhere/to live/p"
    assert str(settings.home) == "/somewhere/to live/h"
