"""What is kept of the texts in a rollout: all of them, their digests, or nothing."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from lamas.domain import ModelCall, OperatorInvocation, Rollout, ToolExecution

Texts = Literal["keep", "hash", "drop"]
"""`keep`: as they are; `hash`: `sha256:` and the digest of the text; `drop`: empty, or NULL."""


_Change = Callable[[str], str]


def with_texts(rollout: Rollout, texts: Texts) -> Rollout:
    """The rollout with its prompts, answers, candidates, programs and their output so treated.

    The extracted answer, everything numeric, and how many messages and candidates there were stay.
    A text that was missing stays missing; where text may be missing, a dropped one is.
    """
    if texts == "keep":
        return rollout
    change = change_of(texts)
    answer = rollout.answer if texts == "hash" else None
    invocations = tuple(_invocation(item, change, texts) for item in rollout.trace.invocations)
    return replace(
        rollout,
        trace=replace(rollout.trace, invocations=invocations),
        answer=None if answer is None else _hashed(answer),
        judging=tuple(_tool(item, change) for item in rollout.judging),
    )


def _invocation(item: OperatorInvocation, change: _Change, texts: Texts) -> OperatorInvocation:
    return replace(
        item,
        candidates=tuple(map(change, item.candidates)),
        calls=tuple(_call(call, change, texts) for call in item.calls),
        tools=tuple(_tool(tool, change) for tool in item.tools),
    )


def _call(call: ModelCall, change: _Change, texts: Texts) -> ModelCall:
    messages = tuple(
        replace(message, content=change(message.content)) for message in call.request_messages
    )
    text = call.response_text if texts == "hash" else None
    return replace(
        call, request_messages=messages, response_text=None if text is None else _hashed(text)
    )


def _tool(tool: ToolExecution, change: _Change) -> ToolExecution:
    return replace(
        tool,
        program=change(tool.program),
        stdout=change(tool.stdout),
        stderr=change(tool.stderr),
    )


def change_of(texts: Texts) -> Callable[[str], str]:
    """What is done to a text that must be something."""
    return {"keep": str, "hash": _hashed, "drop": _dropped}[texts]


def _hashed(text: str) -> str:
    # Half a surrogate pair has no UTF-8; it is stored as "?" too.
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()}"


def _dropped(_: str) -> str:
    return ""
