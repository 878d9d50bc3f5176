"""What one attempt has received so far, put together from chunks that may be anything."""

import json
from collections.abc import Mapping, Sequence
from typing import Never

from lamas.domain import ChatMessage
from lamas.domain.hygiene import REPLACEMENT, well_formed
from lamas.llm.answer_end import StreamEnd, answer_end
from lamas.llm.answer_parts import (
    FAILED_FINISHES,
    ErrorAnswerError,
    MalformedReplyError,
    StatedError,
    json_list,
    json_object,
    mapping,
    reasoning_of,
    stated_error,
    text_of,
)
from lamas.llm.remarks import NO_TEXT, ONLY_REASONING, TEXT_MENDED
from lamas.llm.tokens import CHARACTERS_PER_TOKEN, estimate_input_tokens, estimate_output_tokens
from lamas.llm.usage import ReportedUsage, TokenUsage

LONGEST_NAME = 200
"""Characters kept of a response's id, its model and its finish reason."""


class Reply:
    """The answer to one attempt while it arrives."""

    def __init__(self, *, most_characters: int, one_of_many: bool = False) -> None:
        """`most_characters` of text and thinking are taken in.

        `one_of_many`: several choices were asked for, of which the first is the answer.
        """
        self.response_id: str | None = None
        self.response_model: str | None = None
        self.finish_reasons: tuple[str, ...] = ()
        self.first_chunk_seconds: float | None = None
        """From sending to the first text or thought or, without any, to the end."""
        self.reported = ReportedUsage()
        self._most_characters = most_characters
        self._one_of_many = one_of_many
        self._pieces: list[str] = []
        self._characters = 0
        self._thought_characters = 0
        self._mended = False

    @property
    def text(self) -> str:
        """The answer, without thoughts that came apart from it."""
        return self._kept("".join(self._pieces))

    @property
    def began(self) -> bool:
        """Whether any text or thought has arrived."""
        return bool(self._characters or self._thought_characters)

    def add_chunk(self, chunk: object) -> bool:
        """Take one chunk in, as decoded JSON; True when it brought text, a thought or the end.

        Raises MalformedReplyError, and ErrorAnswerError for an error in place of an answer.
        """
        fields = self._described(chunk, "chunk")
        brought = False
        for choice in self._choices(fields):
            delta = choice.get("delta")
            if delta is None and not self._pieces:
                delta = choice.get("message")
            brought = self._add_message(mapping(delta)) or brought
            brought = self._finish(choice) or brought
        return brought

    def end_at(self, end: StreamEnd) -> bool:
        """Whether the answer is whole: then it ends there, as at a text before which to stop."""
        text = "".join(self._pieces)
        place = answer_end(text, end)
        if place is None:
            return False
        self._pieces = [text[:place]]
        self.finish_reasons = self.finish_reasons or ("stop",)
        return True

    def add_completion(self, body: object) -> None:
        """Take an answer in that came in one piece, as decoded JSON.

        Raises MalformedReplyError, and ErrorAnswerError for an error in place of an answer.
        """
        fields = self._described(body, "body")
        choices = self._choices(fields)
        if not choices:
            raise MalformedReplyError("the body is no chat completion (no 'choices')")
        message = json_object(choices[0].get("message"))
        if message is None:
            raise MalformedReplyError("the body is no chat completion (no 'message')")
        self._add_message(message)
        self._finish(choices[0])

    def add_body(self, body: bytes) -> None:
        """`add_completion` of a body."""
        try:
            content: object = json.loads(body)
        except (ValueError, RecursionError) as error:
            # Also for numbers of thousands of digits and nesting without end.
            raise MalformedReplyError(f"the body is no JSON that can be read ({error})") from None
        self.add_completion(content)

    def check_complete(self) -> None:
        """Raise unless the choice came to its end, and that end is none of an error."""
        if not self.finish_reasons:
            got = f"after {self._characters} characters" if self._pieces else "without any choice"
            raise MalformedReplyError(f"the answer ended {got} and without a finish reason")
        reason = self.finish_reasons[0]
        if reason.lower() in FAILED_FINISHES:
            raise ErrorAnswerError(StatedError(message=f"finish_reason {reason!r}"))

    def usage(self, messages: Sequence[ChatMessage]) -> TokenUsage:
        """Tokens of the attempt; one of which nothing arrived is taken to have used nothing."""
        if not (self.began or self.finish_reasons or self.reported.anything):
            return TokenUsage()
        thought = -(-self._thought_characters // CHARACTERS_PER_TOKEN)
        return self.reported.tokens(
            likely_input=estimate_input_tokens(messages),
            likely_output=estimate_output_tokens(self.text) + thought,
        )

    def remarks(self) -> tuple[str, ...]:
        """What is odd about the answer, its usage apart."""
        text = self.text.strip()
        found = [TEXT_MENDED] if self._mended else []
        unclosed = text.startswith("<think>") and "</think>" not in text
        if not text:
            found.append(NO_TEXT)
        if unclosed or (not text and self._thought_characters):
            found.append(ONLY_REASONING)
        return tuple(found)

    def _described(self, content: object, what: str) -> Mapping[str, object]:
        """The fields of a chunk or body, after what does not differ between the two."""
        stated = stated_error(content)
        if stated is not None:
            raise ErrorAnswerError(stated)
        fields = json_object(content)
        if fields is None:
            raise MalformedReplyError(f"the {what} is no JSON object")
        self.reported.add(fields.get("usage"))
        self.reported.add_timings(fields.get("timings"))
        # Not every endpoint names both; what they are is nobody's business but the record's.
        self.response_id = self.response_id or self._name(fields.get("id"))
        self.response_model = self.response_model or self._name(fields.get("model"))
        return fields

    def _choices(self, fields: Mapping[str, object]) -> list[Mapping[str, object]]:
        given = fields.get("choices")
        if given is None:
            return []
        listed = json_list(given)
        if listed is None:
            self._refuse("choices", given)
        choices: list[Mapping[str, object]] = []
        for item in listed:
            choice = json_object(item)
            if choice is None:
                self._refuse("a choice", item)
            stated = stated_error({"error": choice.get("error")})
            if stated is not None:
                raise ErrorAnswerError(stated)
            choices.append(choice)
        # Some endpoints count the index of the only choice up with every chunk.
        if self._one_of_many or len(choices) > 1:
            choices = [choice for choice in choices if not choice.get("index")]
        return choices

    def _add_message(self, message: Mapping[str, object]) -> bool:
        thought = len(reasoning_of(message))
        text = text_of(message.get("content"))
        refusal = message.get("refusal")
        if not text and isinstance(refusal, str):
            text = refusal
        if text:
            self._pieces.append(text)
        self._characters += len(text)
        self._thought_characters += thought
        if self._characters + self._thought_characters > self._most_characters:
            raise MalformedReplyError(
                f"the answer is longer than {self._most_characters} characters, many times what "
                "its limit of tokens allows"
            )
        return bool(text or thought)

    def _finish(self, choice: Mapping[str, object]) -> bool:
        reason = choice.get("finish_reason")
        if reason is None or reason == "":
            return False
        if not isinstance(reason, str):
            self._refuse("finish_reason", reason)
        self.finish_reasons = (self._kept(reason[:LONGEST_NAME]),)
        return True

    def _name(self, value: object) -> str | None:
        return self._kept(str(value)[:LONGEST_NAME]) if value else None

    def _kept(self, text: str) -> str:
        kept = well_formed(text)
        self._mended = self._mended or kept.count(REPLACEMENT) > text.count(REPLACEMENT)
        return kept

    def _refuse(self, name: str, value: object) -> Never:
        raise MalformedReplyError(f"{name} is {str(value)[:40]!r}")
