"""The Azure LLM inference trace of 2023 (Azure/AzurePublicDataset): single calls of one model.

Columns TIMESTAMP, ContextTokens, GeneratedTokens. Nothing is known of prefixes, roles or the limit
that clients set on answers.
"""

from pathlib import Path

import polars as pl

from lamas.errors import ConfigurationError
from lamas.serving.workloads.workflow import Arrival, CallTruth, Piece, Workflow


def azure_arrivals(
    path: Path, *, model: str, max_tokens: int = 2048, name: str = "azure"
) -> tuple[Arrival, ...]:
    """Calls at their own times from the first one on; answers are cut at `max_tokens`.

    Raises ConfigurationError for a file that cannot be read or lacks a column.
    """
    try:
        frame = pl.read_csv(path).with_columns(
            at=pl.col("TIMESTAMP").str.to_datetime("%Y-%m-%d %H:%M:%S%.f")
        )
        rows = frame.select("at", "ContextTokens", "GeneratedTokens").sort("at")
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigurationError(
            f"{path} is no Azure trace with TIMESTAMP, ContextTokens, GeneratedTokens ({reason})"
        ) from None
    if rows.is_empty():
        raise ConfigurationError(f"the Azure trace {path} holds no call")
    begin = rows["at"][0]
    seconds = (rows["at"] - begin).dt.total_microseconds().to_list()
    found: list[Arrival] = []
    for number, (microseconds, given, made) in enumerate(
        zip(seconds, rows["ContextTokens"], rows["GeneratedTokens"], strict=True)
    ):
        call = CallTruth(
            role=name,
            model=model,
            layer=0,
            output_tokens=min(max(int(made), 1), max_tokens),
            max_tokens=max_tokens,
            prompt=(Piece(1, max(int(given), 1)),),
        )
        workflow = Workflow(workflow_type=name, calls=(call,))
        found.append(Arrival(microseconds / 1e6, workflow, number, f"{name}{number}"))
    return tuple(found)
