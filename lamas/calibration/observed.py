"""What recorded rollouts show of the model that answered: judged, and sorted by what it did."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from lamas.calibration import (
    CallLength,
    CallSeconds,
    Observations,
    ObservedProblem,
    ProgramRun,
    Selection,
    Statement,
    Trial,
    WrongAnswer,
)
from lamas.calibration.judge import Judge
from lamas.domain import ModelCall, OperatorInvocation, OperatorSpec, Rollout
from lamas.llm.simulated.profile import (
    Refine,
    Repair,
    Select,
    SimulatedProfile,
    Solve,
    WriteProgram,
)
from lamas.operators import Candidate, Catalogue, SolutionState


@dataclass(slots=True)
class _Seen:
    """What one rollout shows."""

    trials: list[Trial] = field(default_factory=list[Trial])
    lengths: list[CallLength] = field(default_factory=list[CallLength])
    selections: list[Selection] = field(default_factory=list[Selection])
    program_runs: list[ProgramRun] = field(default_factory=list[ProgramRun])
    statements: list[Statement] = field(default_factory=list[Statement])
    wrong_answers: list[WrongAnswer] = field(default_factory=list[WrongAnswer])
    wrong_passed_public: list[bool] = field(default_factory=list[bool])
    call_seconds: list[CallSeconds] = field(default_factory=list[CallSeconds])
    tool_seconds: list[float] = field(default_factory=list[float])


async def observations(
    rollouts: Sequence[Rollout],
    judge: Judge,
    catalogue: Catalogue,
    profile: SimulatedProfile,
    *,
    seconds_per_second: float | None,
) -> Observations:
    """What the rollouts (with their calls) show; `profile` says what each operator does.

    `seconds_per_second`: how many recorded seconds stand for one of the model's; None when the
    recorded ones say nothing of the model. Answers cut by max_tokens count as lengths, not as right
    or wrong: the simulated model's are cut at the same place.
    """
    watcher = _Watcher(judge, catalogue, profile)
    all_seen = await asyncio.gather(*(watcher.watch(rollout) for rollout in rollouts))
    asked = sorted({rollout.plan.problem_id for rollout in rollouts})
    problems = [judge.problems[name] for name in asked]
    pace = seconds_per_second
    return Observations(
        benchmark=judge.benchmark.name,
        family=judge.benchmark.family,
        problems=tuple(
            ObservedProblem(
                problem_id=item.problem_id, question_characters=len(item.question.strip())
            )
            for item in problems
        ),
        trials=tuple(item for seen in all_seen for item in seen.trials),
        lengths=tuple(item for seen in all_seen for item in seen.lengths),
        selections=tuple(item for seen in all_seen for item in seen.selections),
        program_runs=tuple(item for seen in all_seen for item in seen.program_runs),
        statements=tuple(item for seen in all_seen for item in seen.statements),
        wrong_answers=tuple(item for seen in all_seen for item in seen.wrong_answers),
        wrong_passed_public=tuple(item for seen in all_seen for item in seen.wrong_passed_public),
        call_seconds=tuple(
            _in_model_seconds(item, pace) for seen in all_seen for item in seen.call_seconds
        )
        if pace
        else (),
        tool_seconds=tuple(item for seen in all_seen for item in seen.tool_seconds),
    )


class _Watcher:
    """Goes through rollouts as their operators went."""

    def __init__(self, judge: Judge, catalogue: Catalogue, profile: SimulatedProfile) -> None:
        self._judge = judge
        self._catalogue = catalogue
        self._profile = profile

    async def watch(self, rollout: Rollout) -> _Seen:
        seen = _Seen()
        sequential = rollout.trace.execution_mode == "sequential"
        state = SolutionState()
        for layer in rollout.trace.layers:
            results: list[tuple[OperatorSpec, tuple[Candidate, ...]]] = []
            for invocation in layer:
                read = state.merged(results) if sequential and results else state
                if invocation.status == "ok":
                    await self._invocation(rollout.plan.problem_id, invocation, read, seen)
                results.append(
                    (
                        self._spec(invocation.operator),
                        tuple(Candidate(text, "") for text in invocation.candidates),
                    )
                )
            state = state.merged([item for item in results if item[1]])
        return seen

    def _spec(self, operator: str) -> OperatorSpec:
        ensemble = self._catalogue.ensemble.spec
        return ensemble if operator == ensemble.name else self._catalogue.operator(operator).spec

    async def _invocation(
        self, problem_id: str, invocation: OperatorInvocation, read: SolutionState, seen: _Seen
    ) -> None:
        calls = [call for call in invocation.calls if call.status == "ok"]
        behaviour = self._profile.behaviour_of(invocation.operator)
        stating = isinstance(behaviour, WriteProgram)
        for position, call in enumerate(calls):
            states = stating and position == len(calls) - 1
            seen.lengths.append(
                CallLength(
                    problem_id=problem_id,
                    operator=invocation.operator,
                    part="statement_tokens" if states else "tokens",
                    tokens=call.usage_output_tokens,
                    cut=_is_cut(call),
                )
            )
            if not call.replayed:
                seen.call_seconds.append(
                    CallSeconds(
                        tokens=call.usage_output_tokens,
                        seconds=call.seconds,
                        first_token_seconds=call.time_to_first_chunk_seconds,
                    )
                )
        seen.tool_seconds += [tool.charged_seconds for tool in invocation.tools]
        if not calls and not isinstance(behaviour, Repair):
            # A vote, or an operator that asks nobody.
            return
        place = _Place(problem_id, invocation, tuple(calls), read)
        match behaviour:
            case Solve():
                await self._solved(place, seen)
            case Select():
                await self._selected(place, seen)
            case Refine():
                await self._refined(place, seen)
            case WriteProgram():
                await self._programmed(place, seen)
            case Repair():
                await self._repaired(place, seen, len(behaviour.skill_by_attempt))

    async def _solved(self, place: "_Place", seen: _Seen) -> None:
        texts = place.invocation.candidates
        verdicts = await self._judge.all_right(place.problem_id, texts)
        for call, text, right in zip(place.calls, texts, verdicts, strict=False):
            place.trial(seen, "skill", right, call)
            given = await self._judge.given(place.problem_id, text)
            if not right and given is not None and self._judge.benchmark.family != "code":
                seen.wrong_answers.append(WrongAnswer(problem_id=place.problem_id, answer=given))

    async def _selected(self, place: "_Place", seen: _Seen) -> None:
        texts = [item.text for item in place.read.candidates]
        verdicts = await self._judge.all_right(place.problem_id, texts)
        if not texts or all(verdicts) or not any(verdicts):
            return
        given = [await self._judge.given(place.problem_id, text) for text in texts]
        wrong = Counter(
            item
            for item, right in zip(given, verdicts, strict=True)
            if not right and item is not None
        )
        largest = max(wrong.values(), default=1)
        picked = await self._judge.right(place.problem_id, place.invocation.candidates[0])
        seen.selections.append(
            Selection(
                operator=place.invocation.operator,
                margin=(sum(verdicts) - largest) / len(texts),
                right=picked,
            )
        )

    async def _refined(self, place: "_Place", seen: _Seen) -> None:
        if place.read.current is None:
            return
        texts = (place.read.current.text, place.invocation.candidates[0])
        before, after = await self._judge.all_right(place.problem_id, texts)
        skill = "skill_when_right" if before else "skill_when_wrong"
        place.trial(seen, skill, after, place.calls[-1])

    async def _programmed(self, place: "_Place", seen: _Seen) -> None:
        *writing, stating = place.calls
        returned: str | None = None
        for call in writing:
            tool = next((t for t in place.invocation.tools if t.stage == call.stage + 1), None)
            printed = "" if tool is None or tool.status != "ok" else tool.stdout.strip()
            returned = None if printed in ("", "None") else printed
            if not _is_cut(call):
                seen.program_runs.append(
                    ProgramRun(operator=place.invocation.operator, raised=returned is None)
                )
        stated = await self._judge.right(place.problem_id, place.invocation.candidates[0])
        if returned is None:
            place.trial(seen, "skill", stated, stating)
            return
        value = f"The answer is \\boxed{{{returned}}}"
        right = await self._judge.right(place.problem_id, value)
        place.trial(seen, "skill", right, writing[-1])
        if right and not _is_cut(stating):
            seen.statements.append(Statement(operator=place.invocation.operator, faithful=stated))

    async def _repaired(self, place: "_Place", seen: _Seen, attempts: int) -> None:
        if place.read.current is None:
            return
        right = await self._judge.right(place.problem_id, place.read.current.text)
        first = next((tool for tool in place.invocation.tools if tool.stage == 0), None)
        if first is not None and not right:
            seen.wrong_passed_public.append(first.status == "ok")
        for call in place.calls:
            if call.response_text is None:
                return
            before = right
            right = await self._judge.right(place.problem_id, call.response_text)
            if not before:
                attempt = min(call.stage // 2, attempts - 1)
                place.trial(seen, f"skill_by_attempt.{attempt}", right, call)


@dataclass(frozen=True, slots=True)
class _Place:
    """One invocation and what it read."""

    problem_id: str
    invocation: OperatorInvocation
    calls: tuple[ModelCall, ...]
    """Those that were answered."""
    read: SolutionState

    def trial(self, seen: _Seen, skill: str, right: bool, call: ModelCall) -> None:
        """Keep one judged answer, unless max_tokens cut it."""
        if not _is_cut(call):
            seen.trials.append(
                Trial(
                    problem_id=self.problem_id,
                    operator=self.invocation.operator,
                    skill=skill,
                    right=right,
                )
            )


def _is_cut(call: ModelCall) -> bool:
    return "length" in call.response_finish_reasons


def _in_model_seconds(call: CallSeconds, scale: float) -> CallSeconds:
    first = call.first_token_seconds
    return CallSeconds(
        tokens=call.tokens,
        seconds=call.seconds / scale,
        first_token_seconds=None if first is None else first / scale,
    )
