"""The prefix cache against a plain set of paths, and what each retention keeps."""

import random
from collections import Counter

import pytest

from lamas.serving.call import Segment
from lamas.serving.policies.retention.lru import LeastRecentlyUsedPrefix
from lamas.serving.policies.retention.next_use import StepsToNextUse
from lamas.serving.policies.retention.none import KeepNothing
from lamas.serving.prefix_cache import PrefixCache, Retention

MODEL = "m"


def path(*numbers: int) -> tuple[Segment, ...]:
    """Segments 10 tokens each; the identity says the whole way to it."""
    found: list[Segment] = []
    identity = 0
    for number in numbers:
        identity = identity * 10 + number
        found.append(Segment(identity, 10))
    return tuple(found)


@pytest.mark.parametrize("retention", [LeastRecentlyUsedPrefix(), StepsToNextUse(), KeepNothing()])
@pytest.mark.parametrize("seed", range(4))
def test_bytes_and_pins_are_those_of_a_plain_count(retention: Retention, seed: int) -> None:
    rng = random.Random(seed)
    cache = PrefixCache(retention)
    pinned: list[tuple[Segment, ...]] = []
    for turn in range(120):
        if pinned and rng.random() < 0.45:
            prompt = pinned.pop(rng.randrange(len(pinned)))
            cache.unpin(MODEL, prompt, now=turn, steps_to_next_use=rng.choice((1.0, float("inf"))))
        elif rng.random() < 0.2:
            before = cache.held_bytes
            wanted = rng.choice((15.0, 60.0))
            freed = cache.evict(wanted)
            assert before - cache.held_bytes == freed
            assert freed >= wanted or cache.idle_bytes == 0
        else:
            prompt = path(*(rng.randint(1, 3) for _ in range(rng.randint(1, 4))))
            missing, idle = cache.missing_bytes(MODEL, prompt, 2.0)
            held, free = cache.held_bytes, cache.idle_bytes
            cache.pin(MODEL, prompt, 2.0, workflow=str(rng.randint(0, 5)))
            assert cache.held_bytes == held + missing
            assert cache.idle_bytes == free - idle
            assert cache.cached_tokens(MODEL, prompt) == 10 * len(prompt)
            pinned.append(prompt)
        used = Counter(segment.identity for prompt in pinned for segment in prompt)
        assert cache.pinned_bytes == 20.0 * len(used)
        for prompt in pinned:
            assert cache.cached_tokens(MODEL, prompt) == 10 * len(prompt)
        if not retention.keeps:
            assert cache.idle_bytes == 0
    for prompt in pinned:
        cache.unpin(MODEL, prompt, now=999, steps_to_next_use=1.0)
    cache.evict(float("inf"))
    assert cache.held_bytes == cache.pinned_bytes == 0


def kept_after_eviction(retention: Retention) -> set[str]:
    """A template used by two workflows, a prompt that comes back, one that will not; the room of
    one own text must be freed."""
    cache = PrefixCache(retention)
    prompts = {"ends": path(1, 1), "returns": path(1, 2), "new": path(1, 3)}
    for workflow, (name, steps) in enumerate(
        (("returns", 1.0), ("ends", float("inf")), ("new", 1.0))
    ):
        cache.pin(MODEL, prompts[name], 1.0, str(workflow))
        cache.unpin(MODEL, prompts[name], now=float(workflow), steps_to_next_use=steps)
    cache.evict(10.0)
    return {name for name, prompt in prompts.items() if cache.cached_tokens(MODEL, prompt) == 20}


def test_lru_evicts_the_oldest_and_next_use_what_will_not_come_back() -> None:
    assert kept_after_eviction(LeastRecentlyUsedPrefix()) == {"ends", "new"}
    assert kept_after_eviction(StepsToNextUse()) == {"returns", "new"}


def test_a_model_that_leaves_takes_its_prompts_along() -> None:
    cache = PrefixCache(LeastRecentlyUsedPrefix())
    for model in ("a", "b"):
        cache.pin(model, path(1), 1.0, "w")
        cache.unpin(model, path(1), now=0.0, steps_to_next_use=1.0)
    cache.drop("a")
    assert (cache.cached_tokens("a", path(1)), cache.cached_tokens("b", path(1))) == (0, 10)
    assert cache.held_bytes == 10.0


@pytest.mark.slow
def test_a_template_that_is_used_for_ever_takes_no_more_room() -> None:
    cache = PrefixCache(LeastRecentlyUsedPrefix())
    for turn in range(500):
        cache.pin(MODEL, path(1, 2), 1.0, str(turn))
        cache.unpin(MODEL, path(1, 2), now=float(turn), steps_to_next_use=1.0)
    assert len(cache._order) < 50  # pyright: ignore[reportPrivateUsage]
    assert cache.evict(float("inf")) == 20.0
