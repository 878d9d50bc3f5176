"""Filler that gives an answer its length: English sentences without digits, letters or answers."""

CHARACTERS_PER_TOKEN = 4
"""One token is four characters, in usage and in texts alike."""

_OPENINGS = (
    "First we read the question once more and note what is given and what is asked.",
    "Let us set the problem up before working anything out.",
    "We begin by writing down the quantities that matter here.",
    "To keep track of everything we go through the statement line by line.",
    "It helps to restate the task in our own words before starting.",
)
_MIDDLES = (
    "From this the next quantity follows directly.",
    "Substituting what we found before simplifies the expression.",
    "The remaining part is handled in the same way.",
    "Nothing in the statement contradicts this step, so we keep it.",
    "We then combine both parts and carry the intermediate result forward.",
    "This condition removes the other possibilities that looked plausible before.",
    "Checking the units shows that the quantities may be added.",
    "The order of the steps does not matter at this point.",
    "We compare with the statement again to be sure that nothing was left out.",
    "Special cases need no separate treatment, since they agree with the general rule.",
    "Writing the relation out in full makes the next step easier to follow.",
)
_CLOSINGS = (
    "Collecting the pieces gives the result.",
    "We verify the outcome by working backwards through the steps.",
    "This agrees with what the statement requires.",
)


def _paragraphs(count: int) -> tuple[str, tuple[int, ...]]:
    """One long text and the positions at which its sentences start."""
    sentences: list[str] = []
    for number in range(count):
        sentences.append(_OPENINGS[number % len(_OPENINGS)])
        sentences.extend(
            _MIDDLES[(number * 5 + step * 3) % len(_MIDDLES)] for step in range(7 + number % 3)
        )
        sentences.append(_CLOSINGS[number % len(_CLOSINGS)])
    starts: list[int] = []
    position = 0
    for sentence in sentences:
        starts.append(position)
        position += len(sentence) + 1
    return " ".join(sentences) + " ", tuple(starts)


_TEXT, _STARTS = _paragraphs(24)


def prose(characters: int, where: int) -> str:
    """Exactly `characters` of prose from a sentence start chosen by `where`.

    Ends at a word and a full stop; what is left of the length is line breaks.
    """
    start = _STARTS[where % len(_STARTS)]
    repeated = _TEXT[start:] + _TEXT * (characters // len(_TEXT) + 1)
    words = repeated[: max(characters - 1, 0)].rpartition(" ")[0].rstrip(" .,")
    return f"{words}.".ljust(characters, "\n")[: max(characters, 0)]


def tokens_in(text: str) -> int:
    """Tokens of a text: characters over four, rounded up."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def with_length(ending: str, tokens: int, where: int) -> str:
    """Prose and then `ending`, `tokens` long together; just `ending` when that is longer."""
    room = tokens * CHARACTERS_PER_TOKEN - len(ending) - 2
    return f"{prose(room, where)}\n\n{ending}" if room > 1 else ending
