"""Where an answer is whole, however it arrives, and what is billed of a stream that ends there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamas.domain import ChatMessage
from lamas.llm.answer_end import StreamEnd, answer_end
from lamas.llm.reply import Reply

WHOLE: list[tuple[StreamEnd, str]] = [
    ("boxed", r"7 + 4 = 11 \boxed{11}"),
    ("boxed", r"So \boxed{\frac{1}{2}}"),
    ("boxed", r"\boxed{\{1, 2\}}"),
    ("boxed", r"\boxed{}"),
    ("fence", "Here:\n```python\ndef f():\n    return '```'\n```"),
    ("fence", "```\nx\n```"),
]


@pytest.mark.parametrize(("end", "text"), WHOLE)
def test_an_answer_is_whole_at_its_last_character_and_no_earlier(end: StreamEnd, text: str) -> None:
    places = {answer_end(text[:size], end) for size in range(len(text))}
    assert places == {None}
    assert answer_end(text, end) == len(text)
    assert answer_end(f"{text} and so on }}\n```", end) == len(text)


@given(st.text(alphabet="ab{}\\`\n", max_size=40), st.sampled_from(["boxed", "fence"]))
def test_any_text_is_read(text: str, end: StreamEnd) -> None:
    place = answer_end(text, end)
    assert place is None or 0 < place <= len(text)


def chunk(text: str, written: int) -> dict[str, object]:
    return {
        "choices": [{"delta": {"content": text}, "index": 0}],
        "timings": {"prompt_n": 11, "cache_n": 119, "predicted_n": written},
    }


@pytest.mark.parametrize("pieces", [[r"\boxed{3", "}\n\nThe"], ["\\", "boxed", "{3} is", " it"]])
def test_a_stream_ends_at_the_answer_wherever_it_is_cut(pieces: list[str]) -> None:
    reply = Reply(most_characters=1000)
    taken = 0
    for number, piece in enumerate(pieces, start=1):
        reply.add_chunk(chunk(piece, number))
        taken = number
        if reply.end_at("boxed"):
            break
    assert reply.text == r"\boxed{3}"
    reply.check_complete()
    usage = reply.usage([ChatMessage(role="user", content="What is 1 + 2?")])
    assert (usage.input, usage.cached, usage.output) == (130, 119, taken)
    assert not usage.estimated
