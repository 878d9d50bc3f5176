"""From observations to a profile: what can be told is fitted, what cannot stays and is listed."""

from dataclasses import dataclass

import numpy as np

from lamas.calibration.draft import Draft
from lamas.calibration.lengths import (
    LEAST_CALLS,
    LengthParameters,
    Lengths,
    Measure,
    fit_correlation,
    fit_lengths,
)
from lamas.calibration.numerics import Matrix
from lamas.calibration.observations import Finding, Observations
from lamas.calibration.parts import fit_seconds, fit_selections, fit_shares
from lamas.calibration.right_or_wrong import (
    LEAST_LENGTHS,
    LEAST_REPEATED,
    LEAST_TRIALS,
    Abilities,
    Answers,
    Condition,
    SkillFit,
    fit_skills,
    told,
)
from lamas.errors import DomainError
from lamas.llm.simulated.profile import (
    Behaviour,
    Refine,
    Repair,
    SimulatedProfile,
    Solve,
    WriteProgram,
)

LEAST_QUESTIONS = 20
_LONGEST_LENGTHS = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """A fitted profile and how each of its numbers came about."""

    profile: SimulatedProfile
    population: str
    """Name of the population that was fitted."""
    findings: tuple[Finding, ...]

    @property
    def kept(self) -> tuple[Finding, ...]:
        return tuple(item for item in self.findings if not item.fitted)


def calibrate(start: SimulatedProfile, seen: Observations, *, model: str) -> Calibration:
    """The profile of the model called `model`, as near to `seen` as its kind of model can be.

    Raises DomainError when nothing was seen.
    """
    if not seen.problems or not (seen.trials or seen.lengths):
        raise DomainError("no answer was observed, so there is nothing to fit a profile to")
    draft = Draft(start, seen)
    draft.named(model)
    used = {item.operator for item in (*seen.trials, *seen.lengths, *seen.selections)}
    for name in sorted(used):
        draft.own_operator(name)
    log_posterior = _fit_answers(draft, seen)
    _fit_lengths(draft, seen, log_posterior)
    fit_shares(draft, seen, used)
    fit_selections(draft, seen, used)
    fit_seconds(draft, seen)
    for name in start.operators:
        if name not in used:
            draft.kept(
                "operators", name, "tokens", "mean", note="the operator was not seen; nothing of it"
            )
    return Calibration(
        profile=draft.profile(),
        population=draft.population_name,
        findings=tuple(draft.findings),
    )


def _fit_answers(draft: Draft, seen: Observations) -> Matrix:
    """Skills and difficulty; what the answers say of each problem's difficulty [P, nodes]."""
    place = ("populations", draft.population_name)
    lengths = _standard_lengths(draft, seen)
    trials = told(seen.trials)
    strengths = {
        name: item.strengths_of
        for name, item in draft.start.operators.items()
        if isinstance(item, Solve) and item.strengths_of is not None
    }
    answers = Answers(trials, lengths, strengths)
    question = draft.population.question_length
    start = Abilities(
        skills={condition: draft.value(*_skill_path(condition)) for condition in answers.counts},
        mean=draft.population.difficulty_mean,
        sigma=draft.population.difficulty_sigma,
        interaction=draft.start.interaction_sigma,
        correlation=0.0 if question is None else question.correlation,
    )
    fit = fit_skills(answers, start)
    _note_skills(draft, answers, fit, seen)
    total = sum(n for _, n in answers.counts.values())
    n = f"{total} answers to {len(lengths)} problems"
    spreads: tuple[tuple[str, tuple[str, ...], float, str], ...] = (
        ("mean", (*place, "difficulty_mean"), fit.best.mean, f"no skill has {LEAST_TRIALS} trials"),
        (
            "sigma",
            (*place, "difficulty_sigma"),
            fit.best.sigma,
            f"{answers.repeated} problems with two answers, {LEAST_REPEATED} are needed",
        ),
        (
            "interaction",
            ("interaction_sigma",),
            fit.best.interaction,
            f"{answers.contrasted} problems with repeated answers and with two operators, "
            f"{LEAST_REPEATED} are needed",
        ),
        (
            "correlation",
            (*place, "question_length", "correlation"),
            fit.best.correlation,
            f"{len(lengths)} problems, {LEAST_LENGTHS} are needed",
        ),
    )
    for name, path, value, lacking in spreads:
        if name in fit.errors:
            relative = name in ("sigma", "interaction")
            error = fit.errors[name] * (value if relative else 1.0)
            draft.fitted(*path, value=value, note=n, error=error)
        elif name != "correlation" or question is not None:
            draft.kept(*path, note=lacking)
    return fit.log_posterior


def _note_skills(draft: Draft, answers: Answers, fit: SkillFit, seen: Observations) -> None:
    for condition, (right, n) in answers.counts.items():
        path = _skill_path(condition)
        if condition == fit.reference:
            note = f"the zero of the scale: {right} of {n} right set the difficulty instead"
            draft.kept(*path, note=note)
            continue
        note = f"{right} of {n} right"
        if right in (0, n):
            note += ", so only a bound is known"
        error = fit.errors[".".join(condition)]
        draft.fitted(*path, value=fit.best.skills[condition], note=note, error=error)
    few = {(item.operator, item.skill) for item in seen.trials}.difference(answers.counts)
    for condition in sorted(few):
        n = sum((item.operator, item.skill) == condition for item in seen.trials)
        draft.kept(*_skill_path(condition), note=f"{n} trials, {LEAST_TRIALS} are needed")
    observed = {item.operator for item in (*seen.trials, *seen.lengths)}
    for name in sorted(observed):
        for condition in _skills_of(name, draft.start.behaviour_of(name)):
            if condition not in answers.counts and condition not in few:
                draft.kept(*_skill_path(condition), note="never at work")


def _fit_lengths(draft: Draft, seen: Observations, log_posterior: Matrix) -> None:
    place = ("populations", draft.population_name)
    uncut: dict[Measure, int] = {}
    for call in seen.lengths:
        measure = (call.operator, call.part)
        uncut[measure] = uncut.get(measure, 0) + (not call.cut)
    few = {measure: n for measure, n in uncut.items() if n < LEAST_CALLS}
    scaled = {
        measure: _is_scaled(draft.start.behaviour_of(measure[0]), measure)
        for measure in sorted(uncut)
        if measure not in few
    }
    for (operator, part), n in few.items():
        draft.kept("operators", operator, part, "mean", note=f"{n} whole calls")
    calls = [call for call in seen.lengths if (call.operator, call.part) in scaled]
    lengths = Lengths(calls, [item.problem_id for item in seen.problems], scaled)
    start = LengthParameters(
        means={item: draft.value("operators", *item, "mean") for item in scaled},
        sigmas={item: draft.value("operators", *item, "sigma") for item in scaled},
        problem_sigma=draft.population.length_sigma,
    )
    fit = fit_lengths(lengths, start)
    for measure in scaled:
        key = ".".join(measure)
        note = f"{lengths.counts[measure]} calls"
        if lengths.cuts[measure]:
            note += f", {lengths.cuts[measure]} more were cut by max_tokens"
        for name, value in (("mean", fit.best.means[measure]), ("sigma", fit.best.sigmas[measure])):
            error = fit.errors[f"{key}.{name}"] * value
            draft.fitted("operators", *measure, name, value=value, note=note, error=error)
    if "problem_sigma" not in fit.errors:
        note = f"{lengths.repeated} problems with two calls, {LEAST_REPEATED} are needed"
        draft.kept(*place, "length_sigma", note=note)
        draft.kept(*place, "length_correlation", note=note)
        return
    error = fit.errors["problem_sigma"] * fit.best.problem_sigma
    note = f"{lengths.repeated} problems with two calls"
    path = (*place, "length_sigma")
    draft.fitted(*path, value=fit.best.problem_sigma, note=note, error=error)
    path = (*place, "length_correlation")
    before = draft.population.length_correlation
    correlation = fit_correlation(lengths, fit.best, log_posterior, before)
    if correlation is None:
        draft.kept(*path, note=f"fewer than {LEAST_LENGTHS} problems whose own length is known")
    else:
        draft.fitted(*path, value=correlation, note=note)


def _standard_lengths(draft: Draft, seen: Observations) -> dict[str, float]:
    """Standardised log question length of every problem; 0 where it is not known."""
    names = [item.problem_id for item in seen.problems]
    logarithms = np.log([max(item.question_characters, 1) for item in seen.problems])
    known = draft.population.question_length
    if len(names) >= LEAST_QUESTIONS and float(logarithms.std()) > 0.05:
        median, sigma = float(np.exp(np.median(logarithms))), float(logarithms.std(ddof=1))
        draft.measured_questions(median, sigma, f"{len(names)} questions")
    elif known is not None:
        median, sigma = known.median, known.sigma
    else:
        return dict.fromkeys(names, 0.0)
    standard = np.clip((logarithms - np.log(median)) / sigma, -_LONGEST_LENGTHS, _LONGEST_LENGTHS)
    return dict(zip(names, map(float, standard), strict=True))


def _is_scaled(behaviour: Behaviour, measure: Measure) -> bool:
    if measure[1] == "statement_tokens" and isinstance(behaviour, WriteProgram):
        return behaviour.statement_tokens.scaled
    return behaviour.tokens.scaled


def _skill_path(condition: Condition) -> tuple[str, ...]:
    return ("operators", condition[0], *condition[1].split("."))


def _skills_of(name: str, behaviour: Behaviour) -> list[Condition]:
    if isinstance(behaviour, Solve | WriteProgram):
        return [(name, "skill")]
    if isinstance(behaviour, Refine):
        return [(name, "skill_when_right"), (name, "skill_when_wrong")]
    if isinstance(behaviour, Repair):
        return [(name, f"skill_by_attempt.{i}") for i in range(len(behaviour.skill_by_attempt))]
    return []
