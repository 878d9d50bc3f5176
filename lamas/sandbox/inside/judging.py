"""The two ends of a judged program: one serves its functions as data, the other checks them."""

import builtins
import sys
import types
from collections.abc import Callable, Sequence
from typing import Literal, cast

from lamas.sandbox.inside import exchange

REQUESTS = 3
ANSWERS = 4


def serve(program: str, names: Sequence[str]) -> None:
    """Runs `program`, then answers calls of its functions `names` until nobody asks any more."""
    module = types.ModuleType("candidate")
    sys.modules["candidate"] = module
    exec(compile(program, "program.py", "exec"), module.__dict__)
    while True:
        try:
            request = exchange.receive(REQUESTS)
        except EOFError:
            return
        exchange.send(ANSWERS, _answer(module, set(names), cast("list[object]", request)))


def _answer(module: types.ModuleType, names: set[str], request: list[object]) -> object:
    name, arguments, keywords = request
    try:
        function = getattr(module, str(name), None) if name in names else None
        if not callable(function):
            return ["missing", str(name)]
        positional = cast("list[object]", exchange.decode(arguments))
        named = cast("dict[str, object]", exchange.decode(keywords))
        return ["returned", exchange.encode(function(*positional, **named))]
    except BaseException as error:  # sys.exit inside a call is an answer too
        return exchange.encode_exception(error)


class _Candidate:
    """Calls into the other process; remembers whether it was ever lost."""

    def __init__(self) -> None:
        self.lost: str | None = None

    def function(self, name: str) -> Callable[..., object]:
        def call(*arguments: object, **keywords: object) -> object:
            return self._call(name, arguments, keywords)

        call.__name__ = call.__qualname__ = name
        return call

    def _call(
        self, name: str, arguments: tuple[object, ...], keywords: dict[str, object]
    ) -> object:
        request = [name, exchange.encode(list(arguments)), exchange.encode(keywords)]
        try:
            exchange.send(REQUESTS, request)
            outcome, value = _understand(exchange.receive(ANSWERS))
        except (OSError, EOFError):
            self.lost = "the candidate's process ended during a call"
            raise exchange.CandidateLostError(self.lost) from None
        except (exchange.CandidateLostError, RecursionError, MemoryError) as error:
            self.lost = str(error) or type(error).__name__
            raise exchange.CandidateLostError(self.lost) from None
        if outcome == "raise" and isinstance(value, Exception):
            raise value
        return value


def _understand(answer: object) -> tuple[Literal["return", "raise"], object]:
    parts = cast("list[object]", answer) if isinstance(answer, list) else []
    match parts:
        case ["returned", data]:
            return "return", exchange.decode(data)
        case ["raised", names, message]:
            return "raise", exchange.decode_exception(names, message)
        case ["missing", str(missing)]:
            return "raise", NameError(f"name '{missing}' is not defined")
        case _:
            raise exchange.CandidateLostError("the candidate sent no answer")


def _compiled(setup: str) -> types.CodeType:
    """A prompt may end with the head of a function that is still to be written."""
    try:
        return compile(setup, "setup.py", "exec")
    except SyntaxError:
        return compile(f"{setup.rstrip()}\n    pass\n", "setup.py", "exec")


def check(setup: str, checker: str, names: Sequence[str], verdict: str) -> None:
    """Runs `setup`, puts the candidate's functions in its place, runs `checker`; prints `verdict`
    as the last line only when all of it ran without an exception and the candidate answered.
    """
    candidate = _Candidate()
    module = types.ModuleType("checker")
    sys.modules["checker"] = module
    exec(_compiled(setup), module.__dict__)
    for name in names:
        setattr(module, name, candidate.function(name))
    if names:
        setattr(module, "candidate", candidate.function(names[0]))  # noqa: B010
    exec(compile(checker, "checker.py", "exec"), module.__dict__)
    if candidate.lost is not None:
        raise exchange.CandidateLostError(candidate.lost)
    builtins.print(f"\n{verdict}", flush=True)
