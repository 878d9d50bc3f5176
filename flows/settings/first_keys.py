"""The keys that a run's digest is of since the first release, and how later ones join them."""

from pydantic import JsonValue

# A run is found again by its digest. A key that came later must not change it for a configuration
# that leaves the key alone: never add a key here.
FIRST_KEYS = {
    section: frozenset(keys.split())
    for section, keys in {
        "": """seed run checkpoint benchmark llm operators controller credit baseline training
            execution sandbox evaluation comparison sweep promotion""",
        "benchmark": """name kind family path question answer choices scorer datasets size
            split_seed train_fraction train_size test_size""",
        "benchmark.datasets": "name config weight",
        "llm": """kind base_url model price stream max_tokens_parameter extra_body reuse_responses
            gguf embedded simulated""",
        "llm.price": "input output",
        "llm.embedded": "slots threads context_per_slot",
        "llm.simulated": "profile seed time_scale faults",
        "llm.simulated.faults": """rate_limited server_error malformed hang latency_spike
            spike_factor retry_after_seconds hang_seconds""",
        "operators": """enabled ensemble samples tries temperature max_tokens
            max_tokens_by_operator temperature_by_operator shown_characters feedback_characters""",
        "controller": "kind layers threshold hidden",
        "credit": "rule",
        "baseline": "kind momentum",
        "training": """steps problems_per_step rollouts_per_problem lambda_c lambda_t latency_model
            latency_model_id learning_rate gradient_clip entropy_bonus importance_weighting
            start_from""",
        "execution": "mode gamma",
        "sandbox": "cpu_seconds wall_seconds memory_mib allow_weak backend disabled",
        "evaluation": "split problems samples baselines mode seed bootstrap",
        "comparison": "seeds margin variants fixed against",
        "sweep": "grid each seeds fixed",
        "promotion": "score_margin enabled",
    }.items()
}


def without_unused_later_keys(
    content: JsonValue, changed: JsonValue, section: str = ""
) -> JsonValue:
    """`content` without keys that came later and hold their default.

    `changed` is the same content without any key that holds its default. What is in no section of
    the first release is as it is in `changed`.
    """
    if isinstance(content, list):
        others = changed if isinstance(changed, list) else [None] * len(content)
        return [
            without_unused_later_keys(item, other, section)
            for item, other in zip(content, others, strict=True)
        ]
    if not isinstance(content, dict) or section not in FIRST_KEYS:
        return content
    set_otherwise = changed if isinstance(changed, dict) else {}
    kept: dict[str, JsonValue] = {}
    for name, value in content.items():
        other = set_otherwise.get(name)
        if name in FIRST_KEYS[section]:
            within = f"{section}.{name}".lstrip(".")
            kept[name] = without_unused_later_keys(value, other, within)
        elif name in set_otherwise and other != {}:
            # A section of which nothing but what determines no result was set is as good as unset.
            kept[name] = other
    return kept
