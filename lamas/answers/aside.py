"""Reading off the event loop: short texts at once, long ones in a child process, bounded."""

from collections.abc import Callable, Sequence
from functools import lru_cache

from lamas.answers.found import Found
from lamas.answers.reading import ProgramRead, ReaderName, find_answer, read_program
from lamas.answers.workers import Reply, Workers

SHORT_TEXT = 2_000
"""Characters up to which reading takes a few milliseconds whatever the text says."""


@lru_cache(maxsize=1)
def shared_readers() -> Workers:
    """The reading processes that all benchmarks and operators of a process share."""
    return Workers(workers=2, seconds=3)


async def find(
    reader: ReaderName,
    text: str,
    *,
    choices: Sequence[str] = (),
    count: int = 0,
    workers: Callable[[], Workers] = shared_readers,
) -> Found:
    """`find_answer`, in bounded time; a text that takes longer has no answer."""
    if len(text) <= SHORT_TEXT:
        return find_answer(reader, text, choices, count)
    reply = await workers().ask_aside(
        {"task": "find", "reader": reader, "text": text, "choices": [*choices], "count": count}
    )
    if "failed" in reply:
        return Found(place=f"not read: {reply['failed']}")
    return Found(
        form=_text(reply, "form"), written=str(reply["written"]), place=str(reply["place"])
    )


async def find_program(
    text: str,
    prompt: str,
    entry_point: str,
    *,
    fenced: str = "",
    workers: Callable[[], Workers] = shared_readers,
) -> ProgramRead:
    """`read_program`, in bounded time; a text that takes longer has no program."""
    if len(text) + len(prompt) <= SHORT_TEXT:
        return read_program(text, prompt, entry_point, fenced=fenced)
    reply = await workers().ask_aside(
        {
            "task": "program",
            "text": text,
            "prompt": prompt,
            "entry_point": entry_point,
            "fenced": fenced,
        }
    )
    if "failed" in reply:
        return ProgramRead(place=f"not read: {reply['failed']}")
    return ProgramRead(
        program=_text(reply, "program"), form=_text(reply, "form"), place=str(reply["place"])
    )


def _text(reply: Reply, name: str) -> str | None:
    value = reply[name]
    return None if value is None else str(value)
