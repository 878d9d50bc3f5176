"""Graphs of several models over recorded answers: the lengths are real, the graphs are drawn.

For every question a graph is drawn, as our controller would draw one, from the templates below;
the answer of each operator is what its model once said to that question. A refining operator's
answer is the recorded answer of its own model to the same question: nobody recorded refinements.
Tokens are characters / 4. The workflow's type is the question's category: it says nothing about the
graph.
"""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from lamas.errors import ConfigurationError
from lamas.llm.tokens import estimate_output_tokens
from lamas.serving.workloads.workflow import CallTruth, Piece, Workflow

SMALL = ("Phi-3-mini-4k-instruct", "Meta-Llama-3_1-8B-Instruct", "mathstral-7B")
LARGE = ("Mixtral-8x7B-Instruct-v0.1", "Meta-Llama-3_1-70B-Instruct")
TEMPLATES: tuple[tuple[tuple[str, ...], ...], ...] = (
    ((SMALL[1],),),
    ((LARGE[1],),),
    (SMALL,),
    (SMALL, (LARGE[1],)),
    ((*SMALL, LARGE[0]), (LARGE[1],)),
    ((SMALL[0],), (LARGE[0],), (LARGE[1],)),
    (SMALL[:2], SMALL[1:], (LARGE[0],)),
)
"""Models by layer. The first layer answers the question, later ones refine what was answered."""
FIRST, LATER = "GenerateCoT", "SelfRefine"
TEMPLATE_TOKENS = {FIRST: 60, LATER: 90}
"""Tokens of an operator's own text, which stands before the question: an assumption."""
NUMBERS = {FIRST: 1, LATER: 2}
QUESTION, CANDIDATES = 1, 1000
"""Numbers of private pieces."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedQuestion:
    """A question and how long models' answers to it were."""

    question_id: int
    category: str
    tokens: int
    answers: Mapping[str, int]
    """Tokens by model."""


def read_questions(
    questions: Path, answers: Path, *, benchmark: str = "mmlu_pro", operator: str = FIRST
) -> tuple[RecordedQuestion, ...]:
    """Questions of one benchmark in order of their ids, with the first sample of each model.

    Raises ConfigurationError when a file cannot be read, lacks a column, or holds no such answer.
    """
    try:
        asked = pl.read_parquet(
            questions, columns=["question_id", "benchmark", "question", "category"]
        )
        said = pl.read_parquet(
            answers, columns=["question_id", "operator", "model", "sample", "text"]
        )
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigurationError(
            f"the recorded answers {questions} and {answers} cannot be read ({reason}): set "
            "simulation.questions and simulation.answers"
        ) from None
    chosen = asked.filter(pl.col("benchmark") == benchmark).sort("question_id")
    first = said.filter((pl.col("operator") == operator) & (pl.col("sample") == 0))
    lengths: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for row in first.select("question_id", "model", "text").iter_rows():
        lengths[int(row[0])][str(row[1])] = max(estimate_output_tokens(str(row[2])), 1)
    found = tuple(
        RecordedQuestion(
            question_id=int(row[0]),
            category=str(row[2]),
            tokens=max(estimate_output_tokens(str(row[1])), 1),
            answers=lengths[int(row[0])],
        )
        for row in chosen.select("question_id", "question", "category").iter_rows()
        if int(row[0]) in lengths
    )
    if not found:
        raise ConfigurationError(
            f"{answers} holds no answer of {operator} to a question of {benchmark} in {questions}"
        )
    return found


def graph_of(
    question: RecordedQuestion,
    layers: Sequence[Sequence[str]],
    *,
    benchmark: str,
    max_tokens: int,
) -> Workflow:
    """One question answered by a graph of models; every layer waits for the one before."""
    calls: list[CallTruth] = []
    before: tuple[int, ...] = ()
    for layer, models in enumerate(layers):
        role = FIRST if layer == 0 else LATER
        candidates = sum(calls[place].output_tokens for place in before)
        prompt = [
            Piece(NUMBERS[role], TEMPLATE_TOKENS[role], private=False),
            Piece(QUESTION, question.tokens),
        ]
        if layer:
            prompt.append(Piece(CANDIDATES + layer, candidates))
        places: list[int] = []
        for model in models:
            places.append(len(calls))
            calls.append(
                CallTruth(
                    role=role,
                    model=model,
                    layer=layer,
                    output_tokens=min(question.answers[model], max_tokens),
                    max_tokens=max_tokens,
                    prompt=tuple(prompt),
                    parents=before,
                )
            )
        before = tuple(places)
    return Workflow(workflow_type=f"{benchmark}/{question.category}", calls=tuple(calls))


def recorded_workflows(
    questions: Sequence[RecordedQuestion],
    *,
    seed: int,
    benchmark: str = "mmlu_pro",
    max_tokens: int = 1024,
    templates: Sequence[Sequence[Sequence[str]]] = TEMPLATES,
) -> tuple[Workflow, ...]:
    """A graph for each question whose models all answered it, the template drawn by `seed`."""
    rng = random.Random(seed)
    found: list[Workflow] = []
    for question in questions:
        layers = rng.choice(templates)
        if all(model in question.answers for layer in layers for model in layer):
            found.append(graph_of(question, layers, benchmark=benchmark, max_tokens=max_tokens))
    return tuple(found)


def in_halves(
    questions: Sequence[RecordedQuestion], *, seed: int
) -> tuple[tuple[RecordedQuestion, ...], tuple[RecordedQuestion, ...]]:
    """Questions that profiles are fitted on, and others that are simulated."""
    order = list(questions)
    random.Random(seed).shuffle(order)
    middle = len(order) // 2
    return tuple(order[:middle]), tuple(order[middle:])
