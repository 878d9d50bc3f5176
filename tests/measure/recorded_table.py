"""Recorded answers of real models as an outcome table, for measurements of learning."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import yaml

from lamas.answers.choice import find_choice
from lamas.answers.plain_text import extract_text
from lamas.controller import EMBEDDING_SIZE
from lamas.domain import OperatorSet, OperatorSpec
from lamas.domain.operator_outcome import ChainOutcome, OperatorOutcome
from lamas.execution.graph_values import Floats
from lamas.execution.outcome_table import OutcomeTable

CHARACTERS_PER_TOKEN = 4
"""Token counts were not recorded: ⌈characters / 4⌉ stands in for them."""

_READERS: dict[str, Callable[[str], str | None]] = {
    "bbh": extract_text,
    "mmlu_pro": lambda text: find_choice(text).form,
}
# Catalogue order where several models answer, by what their makers say of them: at a tie of votes
# the first in this order wins.
_STRONGEST_FIRST = (
    "gemini-1.5-pro-002",
    "gemini-1.5-flash-002",
    "Meta-Llama-3_1-70B-Instruct",
    "Qwen1.5-72B-Chat",
    "Mixtral-8x7B-Instruct-v0.1",
    "Meta-Llama-3_1-8B-Instruct",
    "mathstral-7B",
    "Phi-3-mini-4k-instruct",
)


@dataclass(frozen=True)
class Recorded:
    """One benchmark's recorded answers, and its questions' embeddings."""

    table: OutcomeTable
    operators: OperatorSet
    embeddings: Floats
    """[P, 384]."""
    categories: tuple[str, ...]
    """[P]."""


def recorded(folder: Path, embeddings: Path, speeds: Path, benchmark: str) -> Recorded:
    """Every question of `benchmark` that all operators answered, in order of its id.

    `folder` holds questions.parquet and answers.parquet; `embeddings` has a row for each of the
    benchmark's questions, in the order of that file; `speeds` says for each model its seconds to
    the first token and its tokens per second, and is an assumption as the token counts are.
    """
    read = _READERS[benchmark]
    questions = (
        pl.read_parquet(folder / "questions.parquet")
        .filter(pl.col("benchmark") == benchmark)
        .with_row_index("place")
    )
    answers = (
        pl.read_parquet(folder / "answers.parquet")
        # A few lines occur twice, word for word.
        .unique(maintain_order=True)
        .join(questions.select("question_id", "answer"), on="question_id")
        .with_columns(
            pl.when(pl.col("model").n_unique() > 1)
            .then(pl.format("{}@{}", "operator", "model"))
            .otherwise("operator")
            .alias("name")
        )
    )
    models = dict(answers.select("name", "model").unique().rows())
    names = sorted(models, key=lambda name: (_rank(models[name]), name))
    answered = answers.group_by("question_id").len().filter(pl.col("len") == len(names))
    kept = questions.join(answered, on="question_id", how="semi").sort("question_id")
    seconds = yaml.safe_load(speeds.read_text())
    outcomes = [
        _outcome(row, read, seconds)
        for row in answers.join(answered, on="question_id", how="semi").iter_rows(named=True)
    ]
    operators = OperatorSet(
        tuple(OperatorSpec(name=name, description=name, adds=1) for name in names)
    )
    rows = np.load(embeddings)[kept["place"].to_numpy()].astype(np.float64)
    return Recorded(
        OutcomeTable.of(outcomes, operators), operators, rows, tuple(kept["category"].to_list())
    )


def operator_rows(operators: OperatorSet) -> Floats:
    """Stand-ins for the embeddings of the operators' descriptions."""
    return np.eye(len(operators), EMBEDDING_SIZE)


def _outcome(
    row: dict[str, str],
    read: Callable[[str], str | None],
    speeds: dict[str, dict[str, float]],
) -> OperatorOutcome:
    key = read(row["text"])
    tokens = max(1, math.ceil(len(row["text"]) / CHARACTERS_PER_TOKEN))
    speed = speeds[row["model"]]
    chain = ChainOutcome(
        answer_key=key,
        score=float(key is not None and key == read(row["answer"])),
        cp_tokens=float(tokens),
        seconds=speed["time_to_first_token_seconds"] + tokens / speed["tokens_per_second"],
    )
    return OperatorOutcome(
        problem_id=f"{int(row['question_id']):08d}",
        operator=row["name"],
        sample=0,
        chains=(chain,),
        cost_usd=0.0,
    )


def _rank(model: str) -> int:
    return _STRONGEST_FIRST.index(model) if model in _STRONGEST_FIRST else len(_STRONGEST_FIRST)
