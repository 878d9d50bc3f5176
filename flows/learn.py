"""From an outcome table to a controller: fitted, stored with every step that made it."""

from prefect import flow

from flows.orchestrator.assets import checkpoint_key, record_asset, table_key
from flows.run.learners import initial_learner
from flows.run.naming import run_name
from flows.run.opening import session
from flows.run.problems import problem_set
from flows.run.table import table_problems, tabulated
from flows.run.table_learning import learned_from, store_learned
from warehouse.table_fits import TableFits


@flow(name="learn", flow_run_name=run_name("learn"))
async def learn(overrides: list[str] | None = None) -> None:
    """Started by `retrain` once its table is filled. Reads `rollouts` of purpose `tabulate` and
    their `chain_outcomes`; writes a checkpoint file, `checkpoints`, `updates`, `credits`,
    `table_fits` and `operating_points`, all of them in one transaction.

    May run twice: the fit is a function of the table, so the second time changes nothing.
    """
    async with session("learn", overrides) as current:
        run_id, fits = current.run.run_id, TableFits(current.warehouse)
        if fits.of_run(run_id) is not None:
            return
        chosen = table_problems(current, problem_set(current))
        table = tabulated(current, chosen)
        first = initial_learner(current)
        learned = learned_from(
            current,
            table,
            first,
            decisions=fits.decisions(run_id, current.settings.learner.clock, table.problem_ids),
            left_out=len(chosen) - len(table),
        )
        fit = learned.fit
        store_learned(current.writer, learned)
        unit = "tokens" if fit.clock == "tokens" else "s"
        current.say(
            f"learn: best fixed graph of {fit.problems} problems {fit.best_name}, "
            f"{100 * fit.best_score:.1f} % in {fit.best_time:.4g} {unit}; the controller, on "
            f"problems its fits did not see, {100 * fit.score:.1f} % in {fit.time:.4g} {unit} "
            f"(μ {fit.multiplier:.3g}, {len(learned.updates)} steps, {learned.seconds:.1f} s)"
        )
        await record_asset(
            checkpoint_key(fit.checkpoint_id),
            made_from=[table_key(run_id)],
            metadata={"run": run_id, "problems": fit.problems, "steps": len(learned.updates)},
        )
