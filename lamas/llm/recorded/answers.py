"""What real models once answered: the file's columns, what is wrong with a file, who said what."""

import stat
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal

import polars as pl

from lamas.domain import Problem
from lamas.domain.hygiene import REPLACEMENT
from lamas.errors import ConfigurationError
from lamas.llm.usage import MOST_TOKENS

QuestionColumn = Literal["question", "question_id"]

REQUIRED = ("operator", "model", "sample", "text")
_TEXTS = ("operator", "model", "text", "prompt_digest", "finish_reason")
_COUNTS = ("sample", "input_tokens", "output_tokens")
_SECONDS = ("seconds", "time_to_first_token_seconds")
MOST_SECONDS = 1e7
"""Of one answer; more is no measurement."""
_OPTIONAL = ("prompt_digest", "finish_reason", "input_tokens", "output_tokens", *_SECONDS)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedAnswer:
    """One completion as it was given; None is what nobody recorded."""

    text: str
    sample: int
    input_tokens: int | None = None
    output_tokens: int | None = None
    seconds: float | None = None
    """From sending to the end."""
    time_to_first_token_seconds: float | None = None
    finish_reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerKey:
    """What was asked of whom."""

    question: str
    """Its text, or its id where the file names ids."""
    operator: str
    model: str


class RecordedAnswers:
    """Answers by question, operator, model and, where it is on record, the prompt's digest."""

    def __init__(self, path: Path, frame: pl.DataFrame, asked_by: QuestionColumn) -> None:
        """`frame` is checked; `asked_by` is the column that the file knows questions by."""
        self.path = path
        self.asked_by: QuestionColumn = asked_by
        key = [asked_by, "operator", "model", "prompt_digest"]
        frame = frame.sort("sample", maintain_order=True)
        places = frame.with_row_index("place").group_by(key).agg("place")
        self._places: dict[tuple[str | None, ...], list[int]] = dict(
            zip(places.select(key).iter_rows(), places["place"].to_list(), strict=True)
        )
        known = [name for name in ("text", "sample", *_OPTIONAL) if name in frame.columns]
        self._columns = {name: frame[name].to_list() for name in known if name != "prompt_digest"}
        self.pairs: frozenset[tuple[str, str]] = frozenset(
            frame.select("operator", "model").unique().iter_rows()
        )
        """(operator, model) of which there is an answer to some question."""

    def key(self, problem: Problem, operator: str, model: str) -> AnswerKey:
        """How the file would call it; ConfigurationError for a problem without the id it needs."""
        question = problem.question
        if self.asked_by == "question_id":
            number = problem.metadata.get("question_id")
            if number is None:
                raise ConfigurationError(
                    f"{self.path} knows questions by question_id, and problem {problem.problem_id} "
                    "has none: read the benchmark from a file with a column question_id, or give "
                    "the recorded answers a column question"
                )
            question = number
        return AnswerKey(question=question, operator=operator, model=model)

    def samples(self, key: AnswerKey, prompt_digest: str) -> tuple[RecordedAnswer, ...]:
        """All answers to one prompt, by sample number; none is an empty tuple.

        Answers whose prompt is on record are given to that prompt alone, others to any.
        """
        asked = (key.question, key.operator, key.model)
        places = self._places.get((*asked, prompt_digest)) or self._places.get((*asked, None), [])
        return tuple(
            RecordedAnswer(**{name: values[place] for name, values in self._columns.items()})
            for place in places
        )


def read_answers(path: Path) -> RecordedAnswers:
    """Read and check a Parquet or JSONL file of recorded answers.

    Columns: question or question_id, operator, model, sample (from 0), text; where known
    prompt_digest, input_tokens, output_tokens, seconds, time_to_first_token_seconds,
    finish_reason. Others are left alone. A row that says again what another says is one with it.
    Raises ConfigurationError, one sentence, for a file that cannot be read, lacks a column, holds a
    wrong type, nothing, or two different answers under one question, operator, model and sample.
    """
    frame = _frame(path)
    asked_by: QuestionColumn = "question" if "question" in frame.columns else "question_id"
    missing = [name for name in (asked_by, *REQUIRED) if name not in frame.columns]
    if missing:
        wanted = ["question or question_id" if name == asked_by else name for name in missing]
        raise ConfigurationError(
            f"{path} lacks the column {', '.join(wanted)}: recorded answers have question or "
            f"question_id, {', '.join(REQUIRED)}; this file has {', '.join(frame.columns)}"
        )
    used = [name for name in (asked_by, *REQUIRED, *_OPTIONAL) if name in frame.columns]
    frame = frame.select(used)
    _check_types(path, frame, asked_by)
    _check_values(path, frame, asked_by)
    frame = frame.with_columns(pl.col(asked_by).cast(pl.String)).unique(maintain_order=True)
    if "prompt_digest" not in frame.columns:
        frame = frame.with_columns(prompt_digest=pl.lit(None, dtype=pl.String))
    _check_unique(path, frame, [asked_by, "operator", "model", "prompt_digest", "sample"])
    return RecordedAnswers(path, frame, asked_by)


def _frame(path: Path) -> pl.DataFrame:
    readers = {".parquet": pl.read_parquet, ".jsonl": _lines, ".ndjson": _lines}
    reader = readers.get(path.suffix)
    if reader is None:
        raise ConfigurationError(
            f"{path} is no file of recorded answers: give one that ends in .parquet or .jsonl"
        )
    try:
        frame = _without_nul(reader(_opened(path)))
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigurationError(
            f"the recorded answers {path} cannot be read ({reason}): set llm.path to a Parquet or "
            "JSONL file"
        ) from None
    if not frame.height:
        raise ConfigurationError(f"the recorded answers {path} hold no row: record some first")
    return frame


def _opened(path: Path) -> BytesIO:
    """What is in a file, as no path: there brackets and stars would be patterns."""
    if not stat.S_ISREG(path.stat().st_mode):
        # A pipe would be waited for.
        raise OSError("it is no plain file")
    return BytesIO(path.read_bytes())


def _without_nul(frame: pl.DataFrame) -> pl.DataFrame:
    # Polars reads half a surrogate pair as one, too.
    return frame.with_columns(pl.col(pl.String).str.replace_all("\0", REPLACEMENT, literal=True))


def _lines(stream: BytesIO) -> pl.DataFrame:
    return pl.read_ndjson(stream)


def _check_types(path: Path, frame: pl.DataFrame, asked_by: QuestionColumn) -> None:
    for name, kind in frame.schema.items():
        if name == "question_id":
            right, wanted = kind.is_integer() or kind == pl.String, "whole numbers or text"
        elif name in _COUNTS:
            right, wanted = kind.is_integer(), "whole numbers"
        elif name in _SECONDS:
            right, wanted = kind.is_numeric(), "numbers of seconds"
        else:
            right, wanted = kind == pl.String, "text"
        if not right and not (kind == pl.Null and name not in (asked_by, *REQUIRED)):
            raise ConfigurationError(
                f"{path}: column {name} holds {kind}, recorded answers want {wanted} there"
            )


def _check_values(path: Path, frame: pl.DataFrame, asked_by: QuestionColumn) -> None:
    for name in (asked_by, *REQUIRED):
        empty = frame[name].null_count()
        if empty:
            raise ConfigurationError(
                f"{path}: column {name} is empty in {empty} of {frame.height} rows: fill it in, "
                "or leave those rows out"
            )
    for name in (*_COUNTS, *_SECONDS):
        if name not in frame.columns:
            continue
        column = pl.col(name).cast(pl.Float64)
        most = MOST_SECONDS if name in _SECONDS else MOST_TOKENS
        wrong = frame.filter((column < 0) | (column > most) | ~column.is_finite())
        if wrong.height:
            raise ConfigurationError(
                f"{path}: {name}={wrong[name][0]} must lie in 0..{most:g} ({wrong.height} of "
                f"{frame.height} rows): correct them"
            )


def _check_unique(path: Path, frame: pl.DataFrame, key: Sequence[str]) -> None:
    doubled = frame.filter(frame.select(key).is_duplicated())
    if doubled.height:
        row = doubled.row(0, named=True)
        raise ConfigurationError(
            f"{path} holds {doubled.height} different answers whose question, operator, model and "
            f"sample are not theirs alone, first of all question {shortened(row[key[0]])}, "
            f"operator {row['operator']}, model {row['model']}, sample {row['sample']}: number "
            "the samples"
        )


def shortened(question: str) -> str:
    """A question as an error message may show it."""
    text = " ".join(question.split())
    return repr(text if len(text) <= 60 else text[:59] + "…")
