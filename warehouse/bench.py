"""How fast rollouts enter the warehouse, beside a raw Arrow insert: `python -m warehouse.bench`."""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np

from lamas.domain import (
    ChatMessage,
    CriticalPathLabel,
    ExecutionGraph,
    Layer,
    ModelCall,
    OperatorInvocation,
    PlannedRollout,
    PolicyDecision,
    Problem,
    Rollout,
    Run,
    Trace,
)
from warehouse.schema import DECISIONS, INVOCATIONS, LABELS, MODEL_CALLS, ROLLOUTS
from warehouse.warehouse import Warehouse
from warehouse.writer import LabelledRollout, Writer

_TABLES = (ROLLOUTS, DECISIONS, INVOCATIONS, MODEL_CALLS, LABELS)
_LAYERS = (("Generate", "GenerateCoT"), ("SelfRefine",))
_PROBLEM = "bench/v1/0"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print rows per second of the writer and of a raw Arrow insert, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rollouts", type=int, default=4000, help="rollouts in all")
    parser.add_argument("--batch", type=int, default=1000, help="rollouts in a transaction")
    options = parser.parse_args(arguments)
    labelled = [_rollout(number) for number in range(options.rollouts)]
    batches = [
        labelled[first : first + options.batch] for first in range(0, len(labelled), options.batch)
    ]
    with tempfile.TemporaryDirectory() as folder:
        warehouse = _prepared(Path(folder) / "bench.duckdb")
        writer = Writer(warehouse)
        started = time.perf_counter()
        for batch in batches:
            writer.add_rollouts(batch)
        written = time.perf_counter() - started
        rows, raw = _raw_insert(warehouse, Path(folder) / "raw.duckdb")
        started = time.perf_counter()
        for batch in batches:
            writer.add_rollouts(batch)
        repeated = time.perf_counter() - started
    print(
        f"{options.rollouts} rollouts, {rows} rows, {len(batches)} transactions\n"
        f"writer           {rows / written:12,.0f} rows/s  {written:.2f} s\n"
        f"raw Arrow insert {rows / raw:12,.0f} rows/s  {raw:.2f} s  (no keys, one connection)\n"
        f"ratio            {raw / written:12.3f}\n"
        f"the same again   {rows / repeated:12,.0f} rows/s  {repeated:.2f} s"
    )


def _prepared(path: Path) -> Warehouse:
    warehouse = Warehouse.open(path, create=True)
    writer = Writer(warehouse)
    writer.add_run(
        Run(
            run_id="bench",
            kind="collect",
            config_json="{}",
            config_digest="",
            prompts_digest="",
            code_version="",
            seed=0,
            simulated=True,
            status="running",
            started_at=0.0,
        )
    )
    problem = Problem(
        problem_id=_PROBLEM,
        benchmark="bench",
        version="v1",
        family="math",
        index=0,
        split="train",
        question="What is 1 + 1?",
        reference="2",
    )
    writer.add_problems([problem], np.zeros((1, 384), np.float32))
    return warehouse


def _raw_insert(warehouse: Warehouse, path: Path) -> tuple[int, float]:
    """Rows and seconds of inserting the stored rows into bare tables of another file."""
    frames = {table.name: warehouse.query(f"FROM {table.name}") for table in _TABLES}
    with duckdb.connect(str(path)) as connection:
        for name, frame in frames.items():
            connection.register("incoming", frame)
            connection.execute(f"CREATE TABLE {name} AS FROM incoming LIMIT 0")
        started = time.perf_counter()
        for name, frame in frames.items():
            connection.register("incoming", frame)
            connection.execute(f"INSERT INTO {name} FROM incoming")
        connection.execute("CHECKPOINT")
        seconds = time.perf_counter() - started
    return sum(frame.height for frame in frames.values()), seconds


def _rollout(number: int) -> LabelledRollout:
    name = f"bench-{number}"
    invocations = tuple(
        _invocation(name, layer, position, operator)
        for layer, operators in enumerate(_LAYERS, start=1)
        for position, operator in enumerate(operators)
    )
    decisions = tuple(
        PolicyDecision(
            layer=item.layer,
            draw_order=item.position,
            operator=item.operator,
            probability=0.2,
            log_probability=-1.6,
            legal=("Generate", "GenerateCoT", "SelfRefine"),
        )
        for item in invocations
    )
    plan = PlannedRollout(
        rollout_id=name,
        run_id="bench",
        problem_id=_PROBLEM,
        checkpoint_id=None,
        policy="bench",
        purpose="train",
        mode="sampled",
        execution_mode="parallel",
        step=0,
        sample_index=number,
        seed=number,
        graph=ExecutionGraph(tuple(Layer(operators) for operators in _LAYERS)),
        decisions=decisions,
    )
    rollout = Rollout(
        plan=plan,
        trace=Trace(
            execution_mode="parallel",
            gamma=50.0,
            invocations=invocations,
            started_at=0.0,
            ended_at=2.0,
        ),
        answer="2",
        extracted_answer="2",
        score=1.0,
        cost_usd=0.003,
        cp_tokens=200.0,
        virtual_seconds=4.0,
        makespan_seconds=2.0,
        replayed_calls=0,
        status="ok",
        started_at=0.0,
        ended_at=2.0,
    )
    return rollout, tuple(_label(item) for item in invocations)


def _invocation(rollout_id: str, layer: int, position: int, operator: str) -> OperatorInvocation:
    invocation_id = f"{rollout_id}/{layer}/{operator}"
    call = ModelCall(
        call_id=invocation_id,
        attempt=1,
        request_model="bench",
        request_temperature=1.0,
        request_max_tokens=1024,
        request_seed=0,
        request_messages=(ChatMessage(role="user", content="What is 1 + 1? " * 40),),
        response_text="One and one make two. " * 20,
        response_finish_reasons=("stop",),
        usage_input_tokens=200,
        usage_output_tokens=100,
        started_at=0.0,
        ended_at=1.0,
        cost_usd=0.001,
        status="ok",
    )
    return OperatorInvocation(
        invocation_id=invocation_id,
        layer=layer,
        position=position,
        operator=operator,
        kind="graph",
        started_at=float(layer - 1),
        ended_at=float(layer),
        output_tokens=100,
        tool_seconds=0.0,
        cp_tokens=100.0,
        total_input_tokens=200,
        total_output_tokens=100,
        cost_usd=0.001,
        status="ok",
        candidates=("2",),
        calls=(call,),
    )


def _label(invocation: OperatorInvocation) -> CriticalPathLabel:
    return CriticalPathLabel(
        invocation_id=invocation.invocation_id,
        layer=invocation.layer,
        operator=invocation.operator,
        is_critical=True,
        slack_tokens=0.0,
        layer_max_tokens=100.0,
        layer_second_tokens=0.0,
    )


if __name__ == "__main__":
    main()
