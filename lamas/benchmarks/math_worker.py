"""The child process that asks math-verify whether two answers are equal; it may be killed any time.

Run by path as a program of its own: it imports nothing of this package, so that it starts quickly.
One JSON object a line comes in (`gold`, `answer`, `seconds`), one goes out (`equal`, `detail`).
math-verify's own limits count wall-clock time, so that a busy machine would change verdicts; here
CPU time is counted instead, by a timer that raises and, where Python gets no turn, by the kernel.
"""

import json
import logging
import os
import resource
import select
import signal
import sys
from collections.abc import Mapping
from functools import lru_cache
from types import FrameType
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from sympy import Basic, MatrixBase

MEMORY_BYTES = 2 << 30
TOO_LONG = "comparing takes too long"
ORPHAN_CHECK_SECONDS = 5.0


class TimeIsUp(BaseException):
    """Not an Exception, which sympy and math-verify swallow in many places."""


def judge(gold: str, answer: str) -> tuple[bool, str]:
    """Whether math-verify finds the answer equal to the gold one, and why not."""
    from math_verify import verify

    expected = parsed(gold)
    given = parsed(answer)
    if not expected or not given:
        return False, "no mathematics in it"
    equal = bool(verify(expected, given, timeout_seconds=None))
    return equal, "" if equal or not isinstance(given[0], str) else "LaTeX does not parse"


@lru_cache(maxsize=4096)
def parsed(latex: str) -> "list[Basic | MatrixBase | str]":
    from math_verify import parse

    # None switches the limit off; the library's annotation knows only int.
    unlimited = cast("int", None)
    return cast("list[Basic | MatrixBase | str]", parse(f"${latex}$", parsing_timeout=unlimited))


def main() -> None:
    logging.disable(logging.CRITICAL)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    parent = os.getppid()
    signal.signal(signal.SIGPROF, time_is_up)
    parsed("1")
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


def reply(request: Mapping[str, str | int]) -> dict[str, str | bool]:
    seconds = int(request["seconds"])
    used = resource.getrusage(resource.RUSAGE_SELF)
    last = int(used.ru_utime + used.ru_stime) + 2 * seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (last, resource.RLIM_INFINITY))
    try:
        signal.setitimer(signal.ITIMER_PROF, seconds)
        try:
            equal, detail = judge(str(request["gold"]), str(request["answer"]))
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    except TimeIsUp:
        equal, detail = False, TOO_LONG
    except MemoryError:
        equal, detail = False, "needs too much memory"
    except RecursionError:
        equal, detail = False, "is nested too deeply"
    except Exception as error:  # the library fails in many ways on text that is no mathematics
        equal, detail = False, f"{type(error).__name__} while comparing"
    return {"equal": equal, "detail": detail}


def time_is_up(signal_number: int, frame: FrameType | None) -> None:
    raise TimeIsUp


if __name__ == "__main__":
    main()
