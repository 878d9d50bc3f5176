"""Small files of recorded answers, and requests that ask for them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import polars as pl

from lamas.domain import ChatMessage, Problem
from lamas.llm import ChatRequest

MODEL = "old-model"


def row(**changed: object) -> dict[str, object]:
    """One answer by MODEL."""
    usual = {
        "question": "How many?",
        "operator": "Generate",
        "model": MODEL,
        "sample": 0,
        "text": "Two of them.",
    }
    return {**usual, **changed}


def write(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """A Parquet or JSONL file, by its suffix."""
    frame = pl.DataFrame(list(rows))
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    else:
        frame.write_ndjson(path)
    return path


def problem(question: str = "How many?", **metadata: str) -> Problem:
    return Problem(
        problem_id=f"toy/1/{question}",
        benchmark="toy",
        version="1",
        family="text",
        index=0,
        split="test",
        question=question,
        reference="2",
        metadata=MappingProxyType(metadata),
    )


def asked(
    operator: str = "Generate",
    *,
    of: Problem | None = None,
    prompt: str = "Answer: How many?",
    **labels: int,
) -> ChatRequest:
    """A request as an operator's chain makes it."""
    where = {"layer": 1, "stage": 0, "branch": 0, "branches": 1, "sample": 0} | labels
    return ChatRequest(
        messages=(ChatMessage(role="user", content=prompt),),
        temperature=1.0,
        max_tokens=100,
        sample_key=f"r/{where['layer']}/{operator}/0.0",
        seed=1,
        labels={
            "operator": operator,
            "problem_id": (of or problem()).problem_id,
            **{name: str(value) for name, value in where.items()},
        },
    )
