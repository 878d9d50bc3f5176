"""What a run may still spend: its caps less what was paid."""

from flows.run.session import Session
from flows.settings import Settings
from lamas.llm import Budget, ResponseStore


def paid_answers(current: Session) -> ResponseStore:
    """The answers that the run in progress pays for, to be entered."""
    return ResponseStore(current.settings.responses_path, run_id=current.payer.run_id)


def budget_left(current: Session, store: ResponseStore) -> Budget:
    """The run's caps with what was paid so far, calls without an answer included."""
    lost = current.reader.lost_calls(current.paid_runs)
    return remaining_budget(current.settings, store, lost)


def budgets_left(current: Session, store: ResponseStore) -> dict[str, Budget]:
    """The caps of each of several models, less what was paid to it, by its name."""
    left: dict[str, Budget] = {}
    for name in current.settings.llm.models:
        own = current.settings.llm.of_model(name)
        calls, usd = store.paid(own.model)
        lost_calls, lost_usd = current.reader.lost_calls(current.paid_runs, model=own.model)
        left[name] = Budget(
            max_usd=own.max_usd,
            max_calls=own.max_calls,
            spent_usd=usd + lost_usd,
            made_calls=calls + lost_calls,
        )
    return left


def remaining_budget(
    settings: Settings, store: ResponseStore, lost: tuple[int, float] = (0, 0.0)
) -> Budget:
    """The configured caps, less what earlier parts of the run paid.

    Finished calls are in `store`; `lost` counts the calls without an answer and what they cost.
    """
    calls, usd = store.paid()
    return Budget(
        max_usd=settings.llm.max_usd,
        max_calls=settings.llm.max_calls,
        spent_usd=usd + lost[1],
        made_calls=calls + lost[0],
    )
