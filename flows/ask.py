"""One question answered by the champion controller, with the chosen graph drawn."""

import os
import uuid
from contextlib import AsyncExitStack

from flows import wiring
from flows.gantt import gantt
from flows.live import open_model, remaining_budget
from flows.planning import PlanKey, plan
from flows.settings import Settings
from flows.storage import open_warehouse
from flows.tables import table_console
from lamas.controller import Controller, QueryEncoder
from lamas.domain import (
    Checkpoint,
    Clock,
    CodeTests,
    OperatorSet,
    Problem,
    derive_seed,
    digest,
    ordered_sum,
)
from lamas.errors import CheckpointError, ModelUnreachableError
from lamas.execution import Execution, GraphExecutor
from lamas.llm import ResponseStore
from lamas.scheduling import cp_tokens, label, makespan_seconds, virtual_seconds
from lamas.training import load_controller
from warehouse import Registry


async def ask(question: str, settings: Settings) -> None:
    """Answer `question` and print answer, graph, critical path, tokens, cost and seconds.

    Uses the checkpoint of `checkpoint=…`, by default the champion; nothing is stored. Raises
    CheckpointError without one and ModelUnreachableError when an operator failed.
    """
    clock = Clock()
    async with AsyncExitStack() as stack:
        sandbox = wiring.LazySandbox(settings, stack)
        benchmark = wiring.benchmark_of(settings, sandbox)
        catalogue = wiring.catalogue_of(settings, benchmark)
        operators = catalogue.for_family(benchmark.family)
        checkpoint = _checkpoint(settings)
        controller = _controller(settings, checkpoint, operators)
        problem = _problem(question, settings)
        choice = controller.decide(QueryEncoder().encode([question]))[0]
        planned = plan(
            PlanKey(
                run_id=f"ask-{uuid.uuid4().hex[:12]}",
                purpose="ask",
                policy=checkpoint.controller,
                checkpoint_id=checkpoint.checkpoint_id,
                mode="decided",
                execution_mode=settings.execution.mode,
                step=checkpoint.step,
            ),
            problem,
            choice,
            sample_index=0,
            seed=derive_seed(settings.seed, "ask", os.urandom(8).hex()),
        )
        run_id = planned.run_id
        store = stack.enter_context(ResponseStore(settings.responses_path, run_id=run_id))
        executor = GraphExecutor(
            catalogue=catalogue,
            model=await open_model(
                settings,
                stack,
                (problem,),
                store=store,
                budget=remaining_budget(settings, store),
                clock=clock,
            ),
            sandbox=sandbox,
            gamma=settings.execution.gamma,
            clock=clock,
        )
        execution = await executor.execute(planned, problem)
        if settings.recording.texts != "keep":
            store.forget([run_id])
    extracted = await benchmark.extract(problem, execution.answer or "")
    _show(execution, checkpoint, str(choice.graph), extracted)
    if settings.simulated:
        print("The answer is a simulated model's.")
    if execution.error is not None:
        raise ModelUnreachableError(f"the question was not answered: {execution.error}")


def _checkpoint(settings: Settings) -> Checkpoint:
    registry = Registry(open_warehouse(settings))
    if settings.checkpoint not in (None, "champion"):
        return registry.checkpoint(settings.checkpoint)
    champion = registry.champion()
    if champion is None:
        raise CheckpointError(
            f"{settings.warehouse} has no champion yet: run `lamas retrain`, or name a checkpoint "
            'with checkpoint=… (`lamas sql "FROM checkpoints"` lists them)'
        )
    return champion


def _controller(settings: Settings, checkpoint: Checkpoint, operators: OperatorSet) -> Controller:
    path = settings.home / checkpoint.path
    return load_controller(path, digest=checkpoint.digest, operators=operators)


def _problem(question: str, settings: Settings) -> Problem:
    return Problem(
        problem_id=f"ask/{digest(question)[:12]}",
        benchmark="ask",
        version="ask",
        family=settings.benchmark.family,
        index=0,
        split="test",
        question=question,
        reference="",
        # Without tests the operator Test reviews instead of running any.
        tests=CodeTests(entry_point="", public=(), hidden="")
        if settings.benchmark.family == "code"
        else None,
    )


def _show(execution: Execution, checkpoint: Checkpoint, graph: str, extracted: str | None) -> None:
    console = table_console()
    trace = execution.trace
    length = cp_tokens(trace)
    if execution.answer is not None:
        console.print(execution.answer.strip(), markup=False, highlight=False)
        if extracted is not None:
            console.print(f"\nanswer: {extracted}", style="bold", markup=False, highlight=False)
    console.print(f"\ngraph: {graph}   ({checkpoint.checkpoint_id})", highlight=False)
    console.print(gantt(trace, label(trace), length))
    calls = sum(len(invocation.calls) for invocation in trace.invocations)
    tokens = sum(invocation.total_output_tokens for invocation in trace.invocations)
    cost = ordered_sum(invocation.cost_usd for invocation in trace.invocations)
    console.print(
        f"CP_len {length:.0f} tokens (T {virtual_seconds(trace):.2f} virtual s), "
        f"{makespan_seconds(trace):.2f} s measured, {calls} calls, {tokens} output tokens, "
        f"{cost:.6f} USD",
        highlight=False,
    )
