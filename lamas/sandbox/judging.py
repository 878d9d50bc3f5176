"""Whether a program passes hidden tests, decided where the program cannot reach."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lamas.domain import ToolExecution
from lamas.sandbox.limits import SandboxLimits
from lamas.sandbox.protocol import JudgedProgram, JudgingSandbox

_LONGEST_DETAIL = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """The outcome of one check."""

    passed: bool
    detail: str
    """Why not; empty when passed."""
    candidate: ToolExecution
    """The program's run; its own output is not trusted for anything."""
    checker: ToolExecution

    @property
    def runs(self) -> tuple[ToolExecution, ToolExecution]:
        """Both as they are recorded: judging is no part of the answer, so nothing is charged."""
        return (
            replace(self.candidate, role="candidate", charged_seconds=0.0),
            replace(self.checker, role="checker", charged_seconds=0.0),
        )


async def judge(
    sandbox: JudgingSandbox,
    program: str,
    checker: str,
    *,
    names: Sequence[str],
    setup: str = "",
    limits: SandboxLimits | None = None,
) -> Judgement:
    """Runs `checker` in one process against the functions `names` of `program` in another.

    `setup` (the trusted part of a prompt: imports and helper functions) runs before the checker;
    then every name of `names`, and `candidate` for the first, stands for a call into the program's
    process. Arguments and results cross as plain data: None, bool, int, float, complex, str, bytes,
    list, tuple, dict, set, frozenset, range; iterators as iterators over their items. Exceptions
    arrive as the nearest builtin `Exception`. A change the program makes to an argument in place
    does not come back. Passed means: the checker ran to its end without an exception.
    Raises SandboxError.
    """
    verdict = secrets.token_hex(16)
    judged = JudgedProgram(
        program=program, checker=checker, names=tuple(names), setup=setup, verdict=verdict
    )
    served, checked = await sandbox.run_judged(judged, limits=limits)
    last_line = checked.stdout.rstrip("\n").rpartition("\n")[2]
    passed = checked.status == "ok" and secrets.compare_digest(last_line.encode(), verdict.encode())
    detail = "" if passed else _why(served, checked)
    return Judgement(passed=passed, detail=detail, candidate=served, checker=checked)


def _why(served: ToolExecution, checked: ToolExecution) -> str:
    own = served.limits_hit if served.limits_hit != ("wall_seconds",) else ()
    hit = own or checked.limits_hit
    if hit:
        return f"limit hit: {', '.join(hit)}"
    if served.status == "error" and served.stderr:
        return served.stderr.rstrip().rpartition("\n")[2][:_LONGEST_DETAIL]
    return checked.stderr.rstrip().rpartition("\n")[2][:_LONGEST_DETAIL] or "the check did not end"
