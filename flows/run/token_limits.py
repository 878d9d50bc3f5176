"""How many output tokens a run's calls may use: as configured, or from what answers took before."""

import math

from flows.settings import Settings
from flows.wiring.operators import operator_settings
from lamas.domain import Run
from lamas.domain.token_limit import TokenLimit
from lamas.operators import asking_operators, parted
from lamas.operators.sc_ensemble import ScEnsemble
from warehouse.answer_lengths import AnswerLengths
from warehouse.warehouse import Warehouse
from warehouse.writer import Writer


def limited(settings: Settings, run: Run, warehouse: Warehouse, writer: Writer) -> Settings:
    """The settings with the limits that `run`, which is stored, began with; a run that has none
    yet begins with new ones. Unchanged with operators.max_tokens_from=configured.
    """
    config = settings.operators
    if config.max_tokens_from == "configured":
        return settings
    limits = AnswerLengths(warehouse).limits(run.run_id)
    if not limits:
        limits = _from_history(settings, run, warehouse)
        writer.add_token_limits(limits)
    own = {item.operator: item.max_tokens for item in limits}
    changed = {"max_tokens_by_operator": {**config.max_tokens_by_operator, **own}}
    return settings.model_copy(update={"operators": config.model_copy(update=changed)})


def _from_history(settings: Settings, run: Run, warehouse: Warehouse) -> tuple[TokenLimit, ...]:
    config, history = settings.operators, settings.operators.history
    asking = {*asking_operators(), ScEnsemble.spec.name}
    # A vote without a majority asks also where ScEnsemble is no operator of the controller.
    names = dict.fromkeys([*config.enabled, ScEnsemble.spec.name])
    operators = [name for name in names if parted(name)[0] in asking]
    lengths = AnswerLengths(warehouse).quantiles(
        run.run_id,
        operators=operators,
        benchmark=settings.benchmark.name,
        prompts_digest=run.prompts_digest,
        end_at_answer=config.end_at_answer,
        quantile=history.quantile,
    )
    calls = operator_settings(config)
    limits: list[TokenLimit] = []
    for operator in operators:
        model = settings.of_model(parted(operator)[1]).llm.model
        known = lengths.get((operator, model))
        configured = calls.call(operator).max_tokens
        enough = known is not None and known.calls >= history.calls
        wanted = math.ceil(known.tokens * history.head_room) if known and enough else configured
        limits.append(
            TokenLimit(
                run_id=run.run_id,
                operator=operator,
                model=model,
                configured=configured,
                max_tokens=max(1, min(configured, wanted)),
                calls=0 if known is None else known.calls,
                quantile_tokens=None if known is None else known.tokens,
            )
        )
    return tuple(limits)
