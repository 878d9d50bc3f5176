"""What a client may send: JSON read with bounds, and a sentence on what is wrong first."""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Literal, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from lamas.gateway.refusal import RefusedError

MOST_MESSAGES = 2048
MOST_STOPS = 4
MOST_METADATA = 16
LONGEST_NAME = 256

NEUTRAL: Mapping[str, Sequence[object]] = {
    "audio": (),
    "frequency_penalty": (0,),
    "function_call": ("none", "auto"),
    "functions": ([],),
    "logit_bias": ({},),
    "logprobs": (False,),
    "modalities": (["text"],),
    "moderation": (),
    "n": (1,),
    "parallel_tool_calls": (True, False),
    "prediction": (),
    "presence_penalty": (0,),
    "prompt_cache_key": (),
    "prompt_cache_retention": (),
    "reasoning_effort": (),
    "response_format": ({"type": "text"},),
    "safety_identifier": (),
    "service_tier": ("auto", "default"),
    "store": (False,),
    "tool_choice": ("none", "auto"),
    "tools": ([],),
    "top_logprobs": (0,),
    "top_p": (1,),
    "verbosity": (),
    "web_search_options": (),
}
"""Parameters of the API that change nothing here: the values at which they may be sent."""
IGNORED = frozenset({"prompt_cache_key", "prompt_cache_retention", "safety_identifier"})
"""Those of them that no answer depends on, whatever they say."""

Text = Annotated[str, Field(max_length=4_000_000)]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]

Metadata = Annotated[
    dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]],
    Field(max_length=MOST_METADATA),
]


class Part(BaseModel):
    """Holds exactly what it names."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TextPart(Part):
    """A piece of a message's content."""

    type: Literal["text"]
    text: Text


class Message(Part):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Text | list[TextPart]
    name: Name | None = None
    refusal: None = None
    annotations: list[object] | None = None

    @property
    def text(self) -> str:
        """All of its text."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content)


class StreamOptions(Part):
    """How an answer is streamed."""

    include_usage: bool = False
    include_obfuscation: bool = False


class Wishes(Part):
    """What only this gateway understands."""

    deadline_ms: Annotated[float, Field(gt=0, le=86_400_000, allow_inf_nan=False)] | None = None
    multiplier: Annotated[float, Field(gt=0, le=1e12, allow_inf_nan=False)] | None = None


class ChatBody(Part):
    """The body of a chat completion, with what is honoured of it."""

    model: Name
    messages: Annotated[list[Message], Field(min_length=1, max_length=MOST_MESSAGES)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    stop: (
        Annotated[str, Field(min_length=1, max_length=1000)]
        | Annotated[
            list[Annotated[str, Field(min_length=1, max_length=1000)]], Field(max_length=MOST_STOPS)
        ]
        | None
    ) = None
    user: Annotated[str, Field(max_length=1000)] | None = None
    metadata: Metadata | None = None
    lamas: Wishes | None = None

    @property
    def limit(self) -> int | None:
        """Output tokens that one call may use."""
        limits = (self.max_tokens, self.max_completion_tokens)
        return min((limit for limit in limits if limit is not None), default=None)

    @property
    def stops(self) -> tuple[str, ...]:
        """Texts before which the answer ends."""
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())


class FeedbackBody(Part):
    """What somebody says of an answer."""

    id: Name
    score: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    reference: Annotated[str, Field(min_length=1, max_length=100_000)] | None = None
    comment: Annotated[str, Field(max_length=10_000)] | None = None


Body = TypeVar("Body", bound=BaseModel)


def chat_body(content: bytes) -> ChatBody:
    """The body of a chat completion; RefusedError (400) for anything else."""
    return checked(without_neutral(object_of(content), NEUTRAL, IGNORED), ChatBody)


def without_neutral(
    given: dict[str, object],
    neutral_values: Mapping[str, Sequence[object]],
    ignored: Collection[str],
) -> dict[str, object]:
    """`given` without the parameters that change nothing; RefusedError (400) where one would."""
    for name, neutral in neutral_values.items():
        value = given.pop(name, None)
        if value is None or name in ignored or _among(value, neutral):
            continue
        allowed = " or ".join(repr(item) for item in neutral)
        raise RefusedError(
            f"{name} is not supported here: leave it out"
            + (f", or send {allowed}" * bool(neutral)),
            parameter=name,
            code="unsupported_parameter",
        )
    return given


def feedback_body(content: bytes) -> FeedbackBody:
    """What is said of an answer; RefusedError (400) for anything else."""
    body = checked(object_of(content), FeedbackBody)
    if body.score is None and body.reference is None:
        raise RefusedError(
            "give a score from 0 to 1, a reference answer, or both", parameter="score"
        )
    return body


def _among(value: object, neutral: Sequence[object]) -> bool:
    # True is 1 in Python, and no number in JSON.
    return any(
        value == item and isinstance(value, bool) == isinstance(item, bool) for item in neutral
    )


def object_of(content: bytes) -> dict[str, object]:
    """One JSON object without U+0000 in it; RefusedError (400) for anything else."""
    try:
        value: object = from_json(content, allow_inf_nan=False, cache_strings="none")
    except ValueError as error:
        raise RefusedError(
            f"the body is not JSON ({_short(str(error))}): send one JSON object in UTF-8",
            code="invalid_json",
        ) from None
    if not isinstance(value, dict):
        raise RefusedError(
            "the body is JSON, but no object: send {…} with the parameters", code="invalid_json"
        )
    given = cast("dict[str, object]", value)
    where = _place_of_nul(given)
    if where is not None:
        raise RefusedError(
            f"{where or 'the body'} holds the character U+0000, which no text has: take it out",
            parameter=where or None,
        )
    return given


def _place_of_nul(value: Mapping[str, object]) -> str | None:
    """Name of the parameter that holds a NUL anywhere in it."""
    for name, item in value.items():
        waiting: list[object] = [name, item]
        while waiting:
            one = waiting.pop()
            if isinstance(one, str) and "\0" in one:
                return name.replace("\0", "")
            if isinstance(one, dict):
                inner = cast("dict[str, object]", one)
                waiting += [*inner.keys(), *inner.values()]
            elif isinstance(one, list):
                waiting += cast("list[object]", one)
    return None


def checked(given: Mapping[str, object], kind: type[Body]) -> Body:
    """`given` as a `kind`; RefusedError (400) with the first fault and its place."""
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        # Of what may be one thing or another, the one that it comes closest to.
        same = [item for item in faults if _item(item["loc"]) == _item(faults[0]["loc"])]
        first = max(same, key=lambda item: len(item["loc"]))
        place = _place(first["loc"])
        if first["type"] == "extra_forbidden":
            raise RefusedError(
                f"{place} is not a parameter that is known here: leave it out",
                parameter=place,
                code="unknown_parameter",
            ) from None
        missing = first["type"] == "missing"
        raise RefusedError(
            f"{place} is missing: send it"
            if missing
            else f"{place} cannot be used: {_short(first['msg'])}",
            parameter=place,
            code="missing_required_parameter" if missing else "invalid_value",
        ) from None


def _item(location: Sequence[int | str]) -> Sequence[int | str]:
    """The parameter, or of a list the item, that a fault is in."""
    return location[:2] if len(location) > 1 and isinstance(location[1], int) else location[:1]


def _place(location: Sequence[int | str]) -> str:
    """`messages[0].content`, without the names of the types that were tried."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part in ("str", "constrained-str", "[key]") or "[" in part:
            continue
        else:
            text += f".{part}" if text else part
    return _short(text)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 200 else line[:199] + "…"
