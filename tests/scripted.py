"""A chat model and a sandbox that do what a test scripted, and remember what they were asked."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from lamas.domain import Clock, CodeTests, ModelCall, Problem, TaskFamily, ToolExecution, digest
from lamas.errors import CallCancelledError, SandboxError
from lamas.llm import ChatRequest, ChatResult
from lamas.sandbox import SandboxLimits


@dataclass(frozen=True, slots=True)
class Reply:
    """One scripted answer."""

    text: str
    tokens: int = 10
    seconds: float = 0.0
    cost_usd: float = 0.0
    replayed: bool = False


Script = Callable[[ChatRequest], Reply | Exception]


class ScriptedModel:
    """A ChatModel whose answer is a function of the request; it counts who runs at a time."""

    def __init__(self, script: Script, clock: Clock | None = None) -> None:
        self._script = script
        self._clock = clock or Clock()
        self.requests: list[ChatRequest] = []
        self.running = 0
        self.most_at_once = 0
        self._arrival = asyncio.Event()

    async def complete(self, request: ChatRequest) -> ChatResult:
        self.requests.append(request)
        reply = self._script(request)
        if isinstance(reply, Exception):
            raise reply
        if request.turn is not None:
            await request.turn.ready()
        started_at = self._clock.now()
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        self._arrival.set()
        try:
            await asyncio.sleep(reply.seconds)
        except asyncio.CancelledError:
            if request.over is None:
                raise
            attempt = attempt_of(request, reply, started_at, self._clock.now())
            error = CallCancelledError("cancelled")
            error.attempts = (replace(attempt, status="cancelled", error=request.over),)
            raise error from None
        finally:
            self.running -= 1
            self._arrival.set()
        attempt = attempt_of(request, reply, started_at, self._clock.now())
        return ChatResult(text=reply.text, attempts=(attempt,))

    async def until_running(self, count: int) -> None:
        """Wait until `count` requests are being answered at the same time."""
        while self.running < count:
            self._arrival.clear()
            await self._arrival.wait()

    async def until_idle(self) -> None:
        """Wait until no request is being answered."""
        while self.running > 0:
            self._arrival.clear()
            await self._arrival.wait()

    def shown(self, operator: str) -> list[str]:
        """The text of every prompt an operator sent, in order."""
        return [
            "\n".join(message.content for message in request.messages)
            for request in self.requests
            if request.labels["operator"] == operator
        ]


def attempt_of(
    request: ChatRequest, reply: Reply, started_at: float = 0.0, ended_at: float = 0.0
) -> ModelCall:
    """The record of a scripted answer."""
    return ModelCall(
        call_id=digest(request.sample_key, request.seed),
        attempt=1,
        request_model="scripted",
        request_temperature=request.temperature,
        request_max_tokens=request.max_tokens,
        request_seed=request.seed,
        request_messages=request.messages,
        response_text=reply.text,
        response_finish_reasons=("stop",),
        usage_input_tokens=5,
        usage_output_tokens=reply.tokens,
        started_at=started_at,
        ended_at=ended_at,
        cost_usd=reply.cost_usd,
        status="ok",
        replayed=reply.replayed,
    )


@dataclass
class ScriptedSandbox:
    """A Sandbox that answers every program with the next of its results; broken without any."""

    results: Sequence[ToolExecution] = ()
    programs: list[str] = field(default_factory=list[str])

    async def run(
        self, program: str, *, stdin: str = "", limits: SandboxLimits | None = None
    ) -> ToolExecution:
        if len(self.programs) >= len(self.results):
            raise SandboxError("no scripted result is left")
        self.programs.append(program)
        return self.results[len(self.programs) - 1]


def tool_result(
    stdout: str = "", *, stderr: str = "", limits_hit: tuple[str, ...] = (), seconds: float = 0.5
) -> ToolExecution:
    """A program's end: an error when it wrote to stderr, a limit when it hit one."""
    return ToolExecution(
        tool_execution_id="unset",
        program="",
        stdout=stdout,
        stderr=stderr,
        exit_code=None if limits_hit else int(bool(stderr)),
        status="limit" if limits_hit else "error" if stderr else "ok",
        limits_hit=limits_hit,
        started_at=0.0,
        ended_at=seconds,
        wall_seconds=seconds,
        charged_seconds=seconds,
    )


def problem_of(
    family: TaskFamily = "math",
    question: str = "What is 6 times 7?",
    *,
    public: tuple[str, ...] = (),
) -> Problem:
    """One problem of a family."""
    tests = CodeTests(entry_point="answer", public=public, hidden="")
    return Problem(
        problem_id=f"toy/1/{family}",
        benchmark="toy",
        version="1",
        family=family,
        index=0,
        split="test",
        question=question,
        reference="42",
        tests=tests if family == "code" else None,
    )


async def last_number(problem: Problem, text: str) -> str | None:
    """Reads an answer the way number benchmarks do, without their library."""
    return number_in(text)


def number_in(text: str) -> str | None:
    """The last number of a text."""
    numbers = [word.strip(".,}{$") for word in text.replace("{", " ").split()]
    return next((word for word in reversed(numbers) if word.lstrip("-").isdigit()), None)
