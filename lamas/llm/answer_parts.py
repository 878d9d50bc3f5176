"""Where text, reasoning and errors stand in what endpoints send, in all their dialects."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

FAILED_FINISHES = frozenset(
    {
        "error",  # OpenRouter, Mistral, LiteLLM
        "abort",  # vLLM, SGLang
        "network_error",  # Zhipu
        "insufficient_system_resource",  # DeepSeek
        "failed",
        "cancelled",
    }
)
"""Finish reasons of answers that the endpoint itself gave up."""
_REASONING_FIELDS = ("reasoning_content", "reasoning", "thinking")
_REASONING_BLOCKS = frozenset({"thinking", "reasoning", "redacted_thinking"})
_ERROR_FIELDS = ("error", "errors", "base_resp")
_FINE = frozenset({"", "0", "200", "success", "ok", "none", "null"})
_LONGEST_SHOWN = 300


class MalformedReplyError(Exception):
    """The endpoint answered with something that is no chat completion."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StatedError:
    """An error that stands where an answer was expected."""

    message: str
    code: str = ""
    """A number like an HTTP status, or a word; "" when there is none."""
    kind: str = ""
    """What the endpoint calls its type."""

    @property
    def status(self) -> int | None:
        """The code, where it reads like the status of an HTTP error."""
        number = int(self.code) if self.code.isascii() and self.code.isdigit() else 0
        return number if 400 <= number <= 599 else None


class ErrorAnswerError(Exception):
    """The endpoint answered with an error and the status of a success."""

    def __init__(self, stated: StatedError) -> None:
        named = f" {stated.code}" if stated.code else ""
        super().__init__(f"error{named} in place of an answer: {stated.message}")
        self.stated = stated


def json_object(value: object) -> Mapping[str, object] | None:
    """`value` where it is a JSON object."""
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else None


def json_list(value: object) -> Sequence[object] | None:
    """`value` where it is a JSON list."""
    return cast("Sequence[object]", value) if isinstance(value, list) else None


def mapping(value: object) -> Mapping[str, object]:
    """`value` where it is a JSON object, else an empty one."""
    return json_object(value) or {}


def items(value: object) -> Sequence[object]:
    """`value` where it is a JSON list, else an empty one."""
    return json_list(value) or ()


def stated_error(body: object) -> StatedError | None:
    """The error that a JSON body, a chunk or a choice states, if it states one."""
    fields = mapping(body)
    for name in _ERROR_FIELDS:
        found = _error_of(fields.get(name))
        if found is not None:
            return found
    if fields.get("object") == "error" or fields.get("type") == "error":
        return _error_of(body)
    if "choices" not in fields and ("detail" in fields or "message" in fields):
        return _error_of(body)
    return None


def text_of(content: object) -> str:
    """The text of a message's content: a string, a block, or a list of blocks.

    Raises MalformedReplyError for a content that is none of these.
    """
    return "".join(text for text, thought in _parts(content) if not thought)


def reasoning_of(message: Mapping[str, object]) -> str:
    """What a message or delta holds of the model's thinking, in a field of its own or as blocks."""
    for name in _REASONING_FIELDS:
        value = message.get(name)
        if value:
            return value if isinstance(value, str) else "".join(_texts(value))
    return "".join(text for text, thought in _parts(message.get("content")) if thought)


def _parts(content: object) -> Iterator[tuple[str, bool]]:
    """(text, whether it is thinking) of each part."""
    if content is None:
        return
    if isinstance(content, str):
        yield content, False
        return
    block, blocks = json_object(content), json_list(content)
    if block is None and blocks is None:
        raise MalformedReplyError(f"content is {_shown(content)[:40]!r}")
    for part in (block,) if blocks is None else blocks:
        yield _block(part)


def _block(block: object) -> tuple[str, bool]:
    if isinstance(block, str):
        return block, False
    fields = mapping(block)
    if str(fields.get("type")) in _REASONING_BLOCKS:
        return "".join(_texts(fields)), True
    texts = (fields.get(name) for name in ("text", "content", "refusal"))
    return next((text for text in texts if isinstance(text, str)), ""), False


def _texts(value: object) -> Iterator[str]:
    """Every string that stands for thinking in `value`, in order."""
    if isinstance(value, str):
        yield value
    for item in items(value):
        yield from _texts(item)
    fields = mapping(value)
    for name in ("text", "thinking", "summary", "content", "reasoning"):
        if name in fields:
            yield from _texts(fields[name])


def _error_of(value: object) -> StatedError | None:
    """What a field that holds an error says; None for one that says that there is none."""
    listed = json_list(value)
    if listed is not None:
        return _error_of(listed[0]) if listed else None
    if not value:
        return None
    fields = json_object(value)
    if fields is None:
        return StatedError(message=_shown(value))
    code = _word(fields, "code", "status_code", "status")
    message = _word(fields, "message", "msg", "status_msg", "detail", "error")
    nothing = all(part is None for part in fields.values())
    if nothing or ((code or message) and {code.lower(), message.lower()} <= _FINE):
        return None
    kind = _word(fields, "type")
    return StatedError(message=message or _shown(value), code=code, kind=kind)


def _word(fields: Mapping[str, object], *names: str) -> str:
    for name in names:
        value = fields.get(name)
        if value is not None and value != "":
            return _shown(value)
    return ""


def _shown(value: object) -> str:
    try:
        return str(value)[:_LONGEST_SHOWN]
    except (RecursionError, ValueError):
        # Nested without end, or a number of thousands of digits.
        return "…"
