"""What one attempt of a model call and one sandboxed run leave behind."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ToolRole = Literal["operator", "candidate", "checker"]
SecondsFrom = Literal["measured", "recorded", "assumed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatMessage:
    """One message of a chat completion request."""

    role: Literal["system", "user", "assistant"]
    content: str


def prompt_digest(messages: Sequence[ChatMessage]) -> str:
    """What tells two prompts apart: SHA-256 over roles and contents, as SQL repeats it."""
    text = "\x1e".join(f"{message.role}\x1f{message.content}" for message in messages)
    # Half a surrogate pair has no UTF-8; it is stored as "?" too.
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelCall:
    """One attempt of one chat completion; names follow OpenTelemetry GenAI conventions."""

    call_id: str
    """Digest of everything that determines the sample; the attempts of one call share it."""
    attempt: int
    """From 1."""
    stage: int = 0
    """Position in the invocation's sequence of calls and tool runs, from 0."""
    branch: int = 0
    """Parallel branch within the stage, from 0."""
    request_model: str
    request_temperature: float
    request_max_tokens: int
    request_seed: int
    request_messages: tuple[ChatMessage, ...] = ()
    response_id: str | None = None
    response_model: str | None = None
    response_text: str | None = None
    response_finish_reasons: tuple[str, ...] = ()
    usage_input_tokens: int = 0
    usage_output_tokens: int = 0
    usage_cached_tokens: int = 0
    """Those of the input tokens that the endpoint took from its prompt cache."""
    usage_estimated: bool = False
    """True when the endpoint reported no usage and tokens were counted from the text."""
    started_at: float
    """Seconds since the epoch."""
    ended_at: float
    seconds_from: SecondsFrom = "measured"
    """Whether they passed on a clock, were recorded with an answer that is given again, or follow
    from a declared speed."""
    time_to_first_chunk_seconds: float | None = None
    cost_usd: float = 0.0
    status: Literal["ok", "error", "cancelled"]
    """`cancelled`: its layer had ended at a quorum; tokens, cost and text are up to then."""
    error: str | None = None
    """Error class and reason, without keys; of a cancelled one why."""
    replayed: bool = False
    """True when the response came from the response store: nothing was sent or paid again."""
    hedge: Literal["first", "second"] | None = None
    """Whose answer it is where a second equal request was sent meanwhile; None where none was."""
    hedge_input_tokens: int = 0
    hedge_output_tokens: int = 0
    """Of the request that lost, up to its end: in no other count."""
    hedge_cost_usd: float = 0.0
    """What the request that lost cost; it is part of `cost_usd`."""
    remarks: tuple[str, ...] = ()
    """What was odd about the answer: names of `lamas.llm.remarks`."""

    @property
    def seconds(self) -> float:
        return self.ended_at - self.started_at


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolExecution:
    """One sandboxed run of a program that a model wrote."""

    tool_execution_id: str
    stage: int = 0
    branch: int = 0
    program: str
    stdout: str
    stderr: str
    exit_code: int | None
    """None when it was killed."""
    status: Literal["ok", "error", "limit"]
    """`error`: the program failed by itself; `limit`: a limit was hit."""
    limits_hit: tuple[str, ...] = ()
    started_at: float
    ended_at: float
    wall_seconds: float
    """Measured from handing the program over to its end."""
    charged_seconds: float
    """What enters CP_len: `wall_seconds`, or a modelled time under the simulated profile."""
    role: ToolRole = "operator"
    """Judging runs the candidate and its checker in two processes; neither is charged."""
