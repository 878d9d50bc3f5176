"""The parts of a profile that stand for themselves, each put into the draft or listed as kept."""

from collections.abc import Iterable, Sequence

import numpy as np

from lamas.calibration.draft import Draft
from lamas.calibration.observations import Observations
from lamas.calibration.shares_and_times import (
    LEAST_SECONDS,
    LEAST_SELECTIONS,
    LEAST_SHARED,
    Spread,
    fit_agreement,
    fit_pace,
    fit_selection,
    lognormal,
    share,
)
from lamas.llm.simulated.profile import Select, WriteProgram


def fit_shares(draft: Draft, seen: Observations, used: Iterable[str]) -> None:
    """Failing programs, faithful statements, hidden bugs, and how wrong answers agree."""
    for name in sorted(used):
        if not isinstance(draft.start.behaviour_of(name), WriteProgram):
            continue
        raised = [item.raised for item in seen.program_runs if item.operator == name]
        faithful = [item.faithful for item in seen.statements if item.operator == name]
        _put_share(draft, ("operators", name, "raises"), raised, "programs")
        _put_share(draft, ("operators", name, "faithful"), faithful, "statements")
    path = ("wrong_answers", "hidden_bug_share")
    if seen.family == "code":
        what = "wrong programs that met public tests"
        _put_share(draft, path, seen.wrong_passed_public, what)
        draft.kept("wrong_answers", "concentration", note="programs say nothing about it")
        return
    draft.kept(*path, note="only code tells")
    own = draft.start.wrong_answers
    found = fit_agreement(seen.wrong_answers, own.distinct, own.concentration)
    if found is None:
        note = f"fewer than {LEAST_SHARED} problems with two wrong answers"
        draft.kept("wrong_answers", "concentration", note=note)
        draft.kept("wrong_answers", "distinct", note=note)
        return
    note = f"wrong answers to {found.problems} problems"
    draft.fitted("wrong_answers", "concentration", value=found.concentration, note=note)
    if found.distinct == own.distinct:
        draft.kept("wrong_answers", "distinct", note="told only together with concentration")
    else:
        draft.fitted("wrong_answers", "distinct", value=found.distinct, note=note)


def _put_share(draft: Draft, path: tuple[str, ...], seen: Sequence[bool], what: str) -> None:
    if len(seen) < LEAST_SHARED:
        draft.kept(*path, note=f"{len(seen)} {what}, {LEAST_SHARED} are needed")
        return
    value = share(sum(seen), len(seen), draft.value(*path))
    draft.fitted(*path, value=value, note=f"{sum(seen)} of {len(seen)} {what}")


def fit_selections(draft: Draft, seen: Observations, used: Iterable[str]) -> None:
    """How well operators pick."""
    for name in sorted(used):
        behaviour = draft.start.behaviour_of(name)
        if not isinstance(behaviour, Select):
            continue
        picks = [item for item in seen.selections if item.operator == name]
        found = fit_selection(picks, behaviour.bias, behaviour.steepness)
        for place, key in enumerate(("bias", "steepness")):
            path = ("operators", name, key)
            if found is None:
                lacking = f"{len(picks)} picks between right and wrong"
                draft.kept(*path, note=f"{lacking}, {LEAST_SELECTIONS} are needed")
            else:
                draft.fitted(*path, value=found[place], note=f"{len(picks)} picks")


def fit_seconds(draft: Draft, seen: Observations) -> None:
    """How fast the model answers and programs run."""
    pace = fit_pace(seen.call_seconds)
    _put_spread(draft, ("latency", "first_token_seconds"), pace.first, "calls")
    _put_spread(draft, ("latency", "seconds_per_token"), pace.per_token, "calls")
    _put_spread(draft, ("tool_seconds",), lognormal(seen.tool_seconds), "tool runs")


def _put_spread(draft: Draft, path: tuple[str, ...], found: Spread | None, what: str) -> None:
    if found is None:
        for key in ("median", "sigma"):
            draft.kept(*path, key, note=f"fewer than {LEAST_SECONDS} {what} with times")
        return
    note = f"{found.n} {what}"
    draft.fitted(*path, "median", value=found.median, note=note)
    if np.isnan(found.sigma):
        draft.kept(*path, "sigma", note="only streamed answers tell")
    else:
        draft.fitted(*path, "sigma", value=found.sigma, note=note)
