"""An endpoint that answers well most of the time, and otherwise in every odd way there is."""

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.responses import Response

from lamas.domain import digest
from tests.llm.scripted_endpoint import (
    Answer,
    breaks_off,
    choice_chunk,
    chunk,
    completion,
    fails,
    pours,
    says,
    sends,
    sends_json,
    streams,
)

JSON = "application/json"
TEXT = "Step by step, it is 4. The answer is \\boxed{4}."
USED = {"prompt_tokens": 30, "completion_tokens": 12}


def _ends(reason: str, **fields: object) -> Answer:
    return streams(chunk(TEXT), choice_chunk({}, reason, **fields), "[DONE]")


USABLE: tuple[Answer, ...] = (
    says(TEXT, usage=None),
    _ends("stop", usage={"prompt_tokens": 30, "completion_tokens": None}),
    _ends("stop", usage={"prompt_tokens": 2**63, "completion_tokens": 12}),
    _ends("stop", usage={"prompt_tokens": 30, "completion_tokens": 10**400}),
    _ends("stop", usage={"prompt_tokens": -1, "completion_tokens": -1}),
    _ends("stop", usage={**USED, "prompt_tokens_details": {"cached_tokens": 20}}),
    streams(chunk("4 \ud83d"), chunk("\ude00 or \udfff", "stop"), "[DONE]"),
    streams(chunk("\x1b[2J 4\0", "stop"), "[DONE]"),
    streams(choice_chunk({"content": TEXT}, choices=None), chunk(TEXT, "stop"), "[DONE]"),
    streams(chunk(TEXT).replace('"index": 0', '"index": 3'), chunk(None, "stop"), "[DONE]"),
    sends_json(completion({"content": [{"type": "thinking", "thinking": "hm"}, {"text": TEXT}]})),
    sends_json(completion({"content": None, "reasoning_content": "hm " * 50}, "length")),
)
"""Each is one whole answer, and paid for."""

PASSING: tuple[Answer, ...] = (
    sends_json({"error": {"code": 429, "message": "slow down \x1b]0;x\x07"}}),
    _ends("error"),
    _ends("network_error", usage=USED),
    fails(429, headers={"retry-after-ms": "5"}),
    fails(500),
    pours(f"data: {chunk('word ' * 200)}\n\n".encode()),
    sends(gzip.compress(b" " * (64 << 20)), JSON, headers={"content-encoding": "gzip"}),
    sends("[" * 100_000, JSON),
    sends('{"usage": ' + "9" * 6_000 + "}", JSON),
    breaks_off('{"choices": [{"message": '),
    breaks_off(f"data: {chunk('4')}\n\n", "text/event-stream"),
    streams(chunk("half")),
)
"""Each is no answer, and another may come."""

REFUSING: tuple[Answer, ...] = (
    fails(422, "extra field: seed"),
    sends_json({"error": {"code": "invalid_request_error", "message": "no"}}),
    sends("", JSON, headers={"location": "http://127.0.0.1:9/v1"}, status=307),
)
"""Each ends its call."""


@dataclass
class HostileMix:
    """Answers `share` of the requests oddly, drawn by request and attempt alone."""

    share: float
    answered: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Usable answers by request."""
    asked: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    met: set[str] = field(default_factory=set[str])
    """Kinds of answers that were given, by number."""

    async def __call__(self, body: dict[str, object]) -> Response:
        if "single word: ready" in str(body["messages"]):
            # The check before a run: every start makes one.
            return await says("ready")(body)
        key = digest(json.dumps(body, sort_keys=True))
        self.asked[key] += 1
        source = random.Random(f"{key}/{self.asked[key]}")
        if source.random() >= self.share:
            self.answered[key] += 1
            return await says(TEXT)(body)
        group, number = self._drawn(source)
        self.met.add(f"{group}/{number}")
        self.answered[key] += group == "usable"
        return await _GROUPS[group][number](body)

    def _drawn(self, source: random.Random) -> tuple[str, int]:
        places = [(group, n) for group, answers in _GROUPS.items() for n in range(len(answers))]
        return source.choice(places)


_GROUPS: dict[str, Sequence[Answer]] = {
    "usable": USABLE,
    "passing": PASSING,
    "refusing": REFUSING,
}
KINDS = sum(len(answers) for answers in _GROUPS.values())
