"""One question answered by the deployed controller, with the chosen graph drawn."""

import os
from contextlib import AsyncExitStack

from flows.champion.deployed import deployed_checkpoint, deployed_controller
from flows.run.budget import remaining_budget
from flows.settings import Settings
from flows.wiring.learning import condition_of, encoder_of
from flows.wiring.model import open_model
from flows.wiring.parts import Parts
from lamas.domain import Checkpoint, Clock, derive_seed, ordered_sum
from lamas.errors import ModelUnreachableError
from lamas.execution import GraphExecutor
from lamas.gateway.answering import Answered, answer, planned_answer, question_of
from lamas.llm import ResponseStore
from lamas.report.assumed import assumptions
from lamas.report.terminal import table_console
from lamas.report.terminal_gantt import gantt
from lamas.timing import cp_tokens, label, makespan_seconds, virtual_seconds


async def ask(question: str, settings: Settings) -> None:
    """Answer `question` and print answer, graph, critical path, tokens, cost and seconds.

    Uses the checkpoint of `checkpoint=…`, by default the champion; nothing is stored. Raises
    CheckpointError without one and ModelUnreachableError when an operator failed.
    """
    clock = Clock()
    async with AsyncExitStack() as stack:
        parts = Parts(settings, stack)
        checkpoint = deployed_checkpoint(parts)
        problem = question_of(question, settings.benchmark.family)
        planned = planned_answer(
            problem,
            deployed_controller(parts, checkpoint),
            encoder_of(settings),
            checkpoint=checkpoint,
            execution_mode=settings.execution.mode,
            seed=derive_seed(settings.seed, "ask", os.urandom(8).hex()),
            condition=condition_of(settings),
        )
        store = stack.enter_context(ResponseStore(settings.responses_path, run_id=planned.run_id))
        model = await open_model(
            settings,
            stack,
            (problem,),
            store=store,
            budget=remaining_budget(settings, store),
            clock=clock,
        )
        executor = GraphExecutor(
            catalogue=parts.catalogue,
            model=model,
            sandbox=parts.sandbox,
            gamma=settings.execution.gamma,
            clock=clock,
            live=settings.arrival_is_real,
        )
        answered = await answer(planned, problem, executor, parts.benchmark)
        if settings.recording.texts != "keep":
            store.forget([planned.run_id])
    _show(answered, checkpoint)
    if settings.simulated:
        print("The answer is a simulated model's.")
    calls = [call for item in answered.execution.trace.invocations for call in item.calls]
    assumed = assumptions(
        len(calls),
        sum(call.seconds_from == "assumed" for call in calls),
        sum(call.usage_estimated for call in calls),
    )
    if assumed:
        print(assumed)
    if answered.execution.error is not None:
        raise ModelUnreachableError(f"the question was not answered: {answered.execution.error}")


def _show(answered: Answered, checkpoint: Checkpoint) -> None:
    console = table_console()
    execution = answered.execution
    trace = execution.trace
    length = cp_tokens(trace)
    if execution.answer is not None:
        console.print(execution.answer.strip(), markup=False, highlight=False)
        if answered.extracted is not None:
            text = f"\nanswer: {answered.extracted}"
            console.print(text, style="bold", markup=False, highlight=False)
    console.print(f"\ngraph: {answered.graph}   ({checkpoint.checkpoint_id})", highlight=False)
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
