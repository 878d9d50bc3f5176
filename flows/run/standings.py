"""What every entrant of an evaluation came to, the oracle and the gap to it among them."""

from collections.abc import Sequence
from dataclasses import replace

from flows.run.controls import NEAREST, ORACLE, Controls
from flows.run.evaluated import Entrant, evaluated_rollouts, evaluation_label
from flows.run.session import Session
from lamas.domain import Rollout, derive_seed
from lamas.domain.table_fit import TableFitRecord
from lamas.evaluation import summarise
from lamas.evaluation.oracle import Gap, best_answers
from lamas.report.deadlines import deadline_sentences
from lamas.report.gap import gap_sentence
from lamas.report.run.metrics_table import Standing


def standings_of(
    current: Session, entrants: Sequence[Entrant], controls: Controls
) -> tuple[list[Standing], str]:
    """Metrics of every entrant from stored rollouts; and in words what came of deadlines and how
    far the gap was closed, "" where neither is known.

    With the oracle among the controls its standing comes last, and those of the controller and the
    neighbours say which share of the gap they closed.
    """
    seed = derive_seed(current.settings.seed, "bootstrap")
    standings: list[Standing] = []
    alone: list[Rollout] = []
    for item in entrants:
        rollouts = evaluated_rollouts(current, policy=item.policy, checkpoint_id=item.checkpoint_id)
        metrics = summarise(rollouts, evaluation_label(current, item), seed=seed)
        standings.append(Standing(name=item.name, metrics=metrics))
        alone += rollouts if _is_an_operator(item) else ()
    fit = controls.fit
    if fit is None:
        return standings, ""
    asked = [
        (item.deadline, standing.metrics)
        for item, standing in zip(entrants, standings, strict=True)
        if item.deadline is not None
    ]
    kept = deadline_sentences(asked, fit.clock)
    if "oracle" not in current.settings.evaluation.controls:
        return standings, kept
    oracle = _oracle(current, alone, seed)
    found, gap = _with_gap(current, fit, entrants, [*standings, oracle])
    return found, "\n".join(part for part in (kept, gap) if part)


def _is_an_operator(entrant: Entrant) -> bool:
    return entrant.mode == "fixed" and entrant.choices[0].graph.names == ((entrant.policy,),)


def _oracle(current: Session, alone: Sequence[Rollout], seed: int) -> Standing:
    entrant = Entrant(
        name=ORACLE, policy=ORACLE, checkpoint_id=None, step=0, mode="fixed", choices=()
    )
    label = evaluation_label(current, entrant)
    return Standing(name=ORACLE, metrics=summarise(best_answers(alone), label, seed=seed))


def _with_gap(
    current: Session,
    fit: TableFitRecord,
    entrants: Sequence[Entrant],
    standings: Sequence[Standing],
) -> tuple[list[Standing], str]:
    """The standings, the oracle's last, with what was closed of the gap; and that in words."""
    found = list(standings)
    policies = [item.policy for item in entrants]
    own = next(
        place for place, item in enumerate(entrants) if item.checkpoint_id == fit.checkpoint_id
    )
    price = entrants[own].multiplier
    if fit.best_name not in policies or price is None:
        return found, ""
    gap = Gap.between(
        found[policies.index(fit.best_name)].metrics,
        found[-1].metrics,
        multiplier=price,
        clock=fit.clock,
    )
    if gap is None:
        return found, ""
    closed: dict[str, float | None] = {}
    for place in (own, *(place for place, name in enumerate(policies) if name == NEAREST)):
        standing, label = found[place], evaluation_label(current, entrants[place])
        closed[standing.name] = gap.closed(standing.metrics)
        row = gap.metric(standing.metrics, label)
        if row is not None:
            found[place] = replace(standing, metrics=(*standing.metrics, row))
    return found, gap_sentence(gap, fit.best_name, closed)
