"""How formulas are compared symbolically in child processes, so that none hangs or fills memory."""

import subprocess
from dataclasses import dataclass
from functools import lru_cache

from lamas.answers.workers import Reply, Workers


@dataclass(frozen=True, slots=True)
class Verdict:
    equal: bool
    detail: str = ""


class MathJudge:
    """Compares pairs of LaTeX answers with math-verify; thread-safe, bound to no event loop.

    `seconds` is the CPU time one comparison may take, so that load does not change a verdict.
    """

    def __init__(self, *, workers: int = 2, seconds: int = 3) -> None:
        self._workers = Workers(workers=workers, seconds=seconds)

    async def compare_aside(self, gold: str, answer: str) -> Verdict:
        """`compare` without blocking the event loop."""
        return _verdict(await self._workers.ask_aside(_request(gold, answer)))

    def workers(self) -> tuple[subprocess.Popen[bytes], ...]:
        """The running child processes that are idle now."""
        return self._workers.processes()

    def compare(self, gold: str, answer: str) -> Verdict:
        """Whether `answer` equals `gold`; blocks for up to seconds, so call it from a thread."""
        return _verdict(self._workers.ask(_request(gold, answer)))


@lru_cache(maxsize=1)
def shared_judge() -> MathJudge:
    """The judge that all benchmarks of a process share."""
    return MathJudge()


def _request(gold: str, answer: str) -> dict[str, object]:
    return {"task": "compare", "gold": gold, "answer": answer}


def _verdict(reply: Reply) -> Verdict:
    if "failed" in reply:
        return Verdict(False, f"not compared: {reply['failed']}")
    return Verdict(bool(reply["equal"]), str(reply["detail"]))
