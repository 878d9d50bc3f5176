"""The child process that reads long answers and compares formulas; it may be killed any time.

One JSON object a line comes in (`task`, its arguments, `seconds`), one goes out: the result, or
`failed` with the reason. math-verify's own limits count wall-clock time, so that a busy machine
would change verdicts; here CPU time is counted instead, by a timer that raises and, where Python
gets no turn, by the kernel.
"""

import json
import logging
import os
import resource
import select
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict
from types import FrameType
from typing import cast

from lamas.answers.reading import ReaderName, find_answer, read_program

MEMORY_BYTES = 2 << 30
TOO_LONG = "it takes too long"
ORPHAN_CHECK_SECONDS = 5.0
COMPARE = "compare"

Request = Mapping[str, object]


class TimeIsUp(BaseException):
    """Not an Exception, which sympy and math-verify swallow in many places."""


def result_of(request: Request) -> dict[str, object]:
    """What the task of a request gives."""
    match request["task"]:
        case "find":
            reader = cast("ReaderName", request["reader"])
            choices = [str(text) for text in cast("list[str]", request["choices"])]
            count = int(str(request["count"]))
            return asdict(find_answer(reader, str(request["text"]), choices, count))
        case "program":
            arguments = [str(request[name]) for name in ("text", "prompt", "entry_point")]
            return asdict(read_program(*arguments, fenced=str(request["fenced"])))
        case _:
            from lamas.answers.equality import equal

            verdict, why = equal(str(request["gold"]), str(request["answer"]))
            return {"equal": verdict, "detail": why}


def main() -> None:
    logging.disable(logging.CRITICAL)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    parent = os.getppid()
    signal.signal(signal.SIGPROF, time_is_up)
    buffered = b""
    while True:
        # A sibling forked from the parent may hold the pipe open: watch the parent itself as well.
        readable, _, _ = select.select([0], [], [], ORPHAN_CHECK_SECONDS)
        if not readable:
            if os.getppid() != parent:
                return
            continue
        received = os.read(0, 1 << 16)
        if not received:
            return
        *lines, buffered = (buffered + received).split(b"\n")
        for line in lines:
            sys.stdout.write(json.dumps(reply(json.loads(line))) + "\n")
            sys.stdout.flush()


def reply(request: Request) -> dict[str, object]:
    """The result, or `failed` with the reason; CPU time beyond `seconds` is a reason."""
    if request["task"] == COMPARE:
        # Loading sympy is no part of the first answer's time.
        from lamas.answers.equality import parsed

        parsed("1")
    seconds = int(str(request["seconds"]))
    used = resource.getrusage(resource.RUSAGE_SELF)
    last = int(used.ru_utime + used.ru_stime) + 2 * seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (last, resource.RLIM_INFINITY))
    try:
        signal.setitimer(signal.ITIMER_PROF, seconds)
        try:
            return result_of(request)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            resource.setrlimit(
                resource.RLIMIT_CPU, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            )
    except TimeIsUp:
        return {"failed": TOO_LONG}
    except MemoryError:
        return {"failed": "it needs too much memory"}
    except RecursionError:
        return {"failed": "it is nested too deeply"}
    except Exception as error:  # the libraries fail in many ways on text that is no mathematics
        return {"failed": f"{type(error).__name__} while it was read"}


def time_is_up(signal_number: int, frame: FrameType | None) -> None:
    raise TimeIsUp
