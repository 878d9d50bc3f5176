"""A profile that cannot be meant is refused in one clear sentence."""

from pathlib import Path

import pytest
import yaml

from lamas.errors import ConfigurationError
from lamas.llm.simulated import load_profile, parse_profile
from lamas.llm.simulated.profile import PROFILE_FOLDER


@pytest.mark.parametrize("path", sorted(PROFILE_FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_profiles_are_valid_and_say_simulated(path: Path) -> None:
    assert load_profile(path.stem) == load_profile(path)
    assert load_profile(path).model.startswith("simulated-")


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        (("model",), "gpt-4o-mini", "model: String should match pattern"),
        (("faults", "server_error"), 1.5, "faults.server_error: Input should be less than"),
        (("faults", "typo"), 0.1, "faults.typo: Extra inputs are not permitted"),
        (("latency", "first_token_seconds", "median"), 0, "median: Input should be greater than 0"),
        (("latency", "seconds_per_token", "sigma"), float("nan"), "should be a finite number"),
        (("interaction_sigma",), "much", "interaction_sigma: Input should be a valid number"),
        (("operators", "Generate", "does"), "guess", "operators.Generate: Input tag 'guess'"),
        (("operators", "Test", "skill_by_attempt"), [], "skill_by_attempt: Tuple should have at"),
        (("populations", "gsm8k", "matches"), [], "needs `matches` or `family`"),
        (("populations", "other_code", "family"), "text", "no population has family 'code'"),
        (("stream_chunk_tokens",), 0, "stream_chunk_tokens: Input should be greater than"),
    ],
)
def test_invalid_values_are_named(
    place: tuple[str, ...], value: object, expected: str, tmp_path: Path
) -> None:
    content = load_profile().model_dump(mode="json")
    section = content
    for key in place[:-1]:
        section = section[key]
    section[place[-1]] = value
    path = tmp_path / "profile.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigurationError) as raised:
        load_profile(path)
    assert expected in str(raised.value)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_faults_that_exclude_each_other_may_not_exceed_one() -> None:
    with pytest.raises(ConfigurationError, match=r"their sum 1\.2 must be ≤ 1"):
        load_profile(faults={"rate_limited": 0.6, "hang": 0.6})


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a: [", "is not valid YAML"), ("- 1", "valid dictionary"), ("", "valid dictionary")],
)
def test_files_that_are_no_profile(text: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "profile.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=expected):
        load_profile(path)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="gpt_4o_mini_like"):
        load_profile("gpt_5_like")


def test_overrides_replace_seed_and_single_faults() -> None:
    profile = load_profile(seed=9, faults={"hang": 0.25})
    assert (profile.seed, profile.faults.hang, profile.faults.malformed) == (9, 0.25, 0.0)
    with pytest.raises(ConfigurationError, match=r"faults\.hangs"):
        load_profile(faults={"hangs": 0.25})


def test_many_findings_are_cut_short() -> None:
    with pytest.raises(ConfigurationError, match=r"and \d+ more"):
        parse_profile({f"key{index}": 1 for index in range(20)})


@pytest.mark.slow
@pytest.mark.attack
@pytest.mark.parametrize(
    "text",
    ["[" * 2000, "!!python/object/apply:os.system ['true']", "&a {model: *a}", "seed: " + "9" * 99],
)
def test_a_file_that_was_made_to_do_harm_is_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match=r"profile .*a\.yaml"):
        load_profile(tmp_path / "a.yaml")
