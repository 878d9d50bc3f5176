"""The child process that asks math-verify whether two answers are equal; it may be killed any time.

Run by path as a program of its own: it imports nothing of this package, so that it starts quickly,
and it sits in its main thread, where math-verify's signal-based limits work. One JSON object a line
comes in (`gold`, `answer`, `seconds`), one goes out (`equal`, `detail`).
"""

import json
import logging
import os
import resource
import select
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from sympy import Basic, MatrixBase

MEMORY_BYTES = 2 << 30
ORPHAN_CHECK_SECONDS = 5.0


def judge(gold: str, answer: str, seconds: int) -> tuple[bool, str]:
    """Whether math-verify finds the answer equal to the gold one, and why not."""
    from math_verify import verify

    expected = parsed(gold, seconds)
    given = parsed(answer, seconds)
    if not expected or not given:
        return False, "no mathematics in it"
    if isinstance(given[0], str):
        return bool(verify(expected, given, timeout_seconds=seconds)), "LaTeX does not parse"
    return bool(verify(expected, given, timeout_seconds=seconds)), ""


@lru_cache(maxsize=4096)
def parsed(latex: str, seconds: int) -> "list[Basic | MatrixBase | str]":
    from math_verify import parse

    return cast("list[Basic | MatrixBase | str]", parse(f"${latex}$", parsing_timeout=seconds))


def main() -> None:
    logging.disable(logging.CRITICAL)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    parent = os.getppid()
    parsed("1", 1)
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
    try:
        equal, detail = judge(str(request["gold"]), str(request["answer"]), int(request["seconds"]))
    except MemoryError:
        return {"equal": False, "detail": "needs too much memory"}
    except RecursionError:
        return {"equal": False, "detail": "is nested too deeply"}
    except Exception as error:  # the library fails in many ways on text that is no mathematics
        return {"equal": False, "detail": f"{type(error).__name__} while comparing"}
    return {"equal": equal, "detail": detail}


if __name__ == "__main__":
    main()
