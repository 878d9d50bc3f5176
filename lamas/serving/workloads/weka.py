"""Coding-agent sessions (callanjfox/kv-cache-tester, Apache-2.0): turns, tools, nested sub-agents.

A session is a JSON file with `requests`: calls with t (seconds), in, out, hash_ids (one id for each
64 tokens of the prompt, equal behind equal prefixes within the file), api_time and think_time; an
entry of type `subagent` nests the calls of another agent, whose role it names. A turn, from a
message of the user to the next, is one workflow: somebody waits for its end. Clients' limits on
answers are not in the trace.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from lamas.errors import ConfigurationError
from lamas.serving.workloads.workflow import CallTruth, Piece, Workflow

MAIN = "main"
TYPE = "coding"
UNSHARED = 1 << 23
"""Numbers of the ends of prompts that no hash covers."""


class _Call(BaseModel):
    type: Literal["n", "s"] = "n"
    t: float
    model: str
    given: int = Field(alias="in")
    out: int
    hash_ids: list[int] = Field(default_factory=list[int])
    input_types: list[str] = Field(default_factory=list[str])
    api_time: float = 0.0


class _SubAgent(BaseModel):
    type: Literal["subagent"]
    t: float
    subagent_type: str = "subagent"
    requests: list[_Call]


class _Session(BaseModel):
    id: str
    block_size: int = 64
    requests: list[_Call | _SubAgent]


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentSession:
    """One session: its turns, and when each began, in seconds from the session's begin."""

    name: str
    turns: tuple[tuple[float, Workflow], ...]

    @property
    def roles(self) -> tuple[tuple[str, ...], ...]:
        """By turn: who called, in the order of the trace."""
        return tuple(tuple(call.role for call in turn.calls) for _, turn in self.turns)


@dataclass(slots=True)
class _Turn:
    began: float
    calls: list[CallTruth] = field(default_factory=list[CallTruth])
    ends: list[float] = field(default_factory=list[float])
    """By place: when the trace's call ended."""
    front: tuple[int, ...] = ()
    """What the main agent's next call waits for."""
    main: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reading:
    """What every call of a file is read with."""

    pieces: "_Pieces"
    models: Mapping[str, str]
    max_tokens: int
    longest_delay_seconds: float


def read_session(
    path: Path,
    *,
    models: Mapping[str, str],
    max_tokens: int = 16384,
    longest_delay_seconds: float = 30.0,
) -> AgentSession:
    """One published file.

    `models` gives the model that stands for each family (a part of the trace's model name). Pauses
    inside a turn are tools, and users who were asked for leave: they are cut to
    `longest_delay_seconds`.
    Raises ConfigurationError for a file of another form or a model that nothing stands for.
    """
    try:
        session = TypeAdapter(_Session).validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigurationError(f"{path} is no agent session ({reason})") from None
    reading = _Reading(
        pieces=_pieces(session),
        models=models,
        max_tokens=max_tokens,
        longest_delay_seconds=longest_delay_seconds,
    )
    turns: list[_Turn] = []
    for entry in session.requests:
        if isinstance(entry, _SubAgent):
            if turns:
                _nest(turns[-1], entry, reading)
            continue
        if not turns or "text" in entry.input_types:
            turns.append(_Turn(entry.t))
        turn = turns[-1]
        # It stands behind the longest of the sub-agents that it waited for.
        layer = 1 + max((turn.calls[place].layer for place in turn.front), default=-1)
        place = _add(turn, entry, MAIN, layer, turn.front, reading=reading)
        turn.front = turn.main = (place,)
    return AgentSession(
        name=session.id,
        turns=tuple(
            (
                turn.began,
                Workflow(workflow_type=TYPE, calls=tuple(turn.calls), known_graph=False),
            )
            for turn in turns
        ),
    )


def read_sessions(
    paths: Iterable[Path], *, models: Mapping[str, str], max_tokens: int = 16384
) -> tuple[AgentSession, ...]:
    """Several files in the order of their names; ConfigurationError when there is none."""
    found = tuple(
        read_session(path, models=models, max_tokens=max_tokens) for path in sorted(paths)
    )
    if not found:
        raise ConfigurationError(
            "no agent sessions were found: set simulation.traces to a folder of their files"
        )
    return found


def _nest(turn: _Turn, entry: _SubAgent, reading: _Reading) -> None:
    """A sub-agent runs from the main agent's last call on, beside other ones."""
    parents = turn.main
    above = turn.calls[parents[0]].layer
    for depth, call in enumerate(entry.requests, start=1):
        place = _add(
            turn,
            call,
            entry.subagent_type,
            above + depth,
            parents,
            offset=entry.t,
            reading=reading,
        )
        parents = (place,)
    if entry.requests:
        turn.front = (*turn.front, *parents)


def _add(
    turn: _Turn,
    call: _Call,
    role: str,
    layer: int,
    parents: tuple[int, ...],
    *,
    offset: float = 0.0,
    reading: "_Reading",
) -> int:
    place = len(turn.calls)
    began = offset + call.t
    waited = began - max((turn.ends[parent] for parent in parents), default=began)
    turn.calls.append(
        CallTruth(
            role=role,
            model=_stand_in(call.model, reading.models),
            layer=layer,
            output_tokens=min(max(call.out, 1), reading.max_tokens),
            max_tokens=reading.max_tokens,
            prompt=reading.pieces.prompt(call),
            parents=parents,
            delay_seconds=min(max(waited, 0.0), reading.longest_delay_seconds),
        )
    )
    turn.ends.append(began + call.api_time)
    return place


def _stand_in(model: str, models: Mapping[str, str]) -> str:
    for family, name in models.items():
        if family in model:
            return name
    raise ConfigurationError(
        f"no model stands for the trace's {model!r}: name a part of it in simulation.stands_for"
    )


class _Pieces:
    """Runs of blocks between which no prompt of the session branches or ends, as one piece each."""

    def __init__(self, block_tokens: int, prompts: Sequence[Sequence[int]]) -> None:
        self._block_tokens = block_tokens
        following: defaultdict[int, set[int]] = defaultdict(set)
        self._ends: set[int] = set()
        for prompt in prompts:
            for block, after in pairwise(prompt):
                following[block].add(after)
            if prompt:
                self._ends.add(prompt[-1])
        self._branches = {block for block, after in following.items() if len(after) > 1}
        self._unshared = UNSHARED

    def prompt(self, call: _Call) -> tuple[Piece, ...]:
        found: list[Piece] = []
        first, count, left = -1, 0, max(call.given, 1)
        for block in call.hash_ids:
            first = block if first < 0 else first
            count += 1
            if block in self._ends or block in self._branches:
                tokens = min(count * self._block_tokens, left)
                if tokens:
                    found.append(Piece(first, tokens))
                left -= tokens
                first, count = -1, 0
        if left:
            self._unshared += 1
            found.append(Piece(self._unshared, left))
        return tuple(found)


def _pieces(session: _Session) -> _Pieces:
    calls: list[_Call] = []
    for entry in session.requests:
        calls += entry.requests if isinstance(entry, _SubAgent) else [entry]
    return _Pieces(session.block_size, [call.hash_ids for call in calls])
