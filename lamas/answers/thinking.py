"""What a model thinks aloud before it answers, and how that is cut off before anything is read."""

import re

NAMES = (
    "think",
    "thinking",
    "thought",
    "thoughts",
    "reason",
    "reasoning",
    "reflection",
    "scratchpad",
    "analysis",
    "inner_monologue",
    "seed:think",
)
TAG = re.compile(
    # A tag in quotes or backticks is a mention of the tag.
    r"(?<![\"'`])(?:"
    rf"<(?P<close>/?)(?:{'|'.join(NAMES)})(?:\s[^<>]{{0,80}})?>"
    r"|(?P<open_other>\[THINK\]|◁think▷|<\|begin_of_thought\|>|<\|channel\|>analysis<\|message\|>"
    r"|<unused94>(?:thought)?)"
    r"|(?P<close_other>\[/THINK\]|◁/think▷|<\|end_of_thought\|>|<unused95>"
    r"|<\|channel\|>final<\|message\|>)"
    r")(?![\"'`])",
    re.IGNORECASE,
)
FRAME = re.compile(
    r"<\|(?:begin_of_solution|end_of_solution|return|end|im_end|eot_id)\|>|<\|start\|>assistant",
)


def without_thinking(text: str) -> str:
    """The text as it goes on after its thoughts; empty when a thought is never closed.

    What opens a thought may be missing (chat templates write it into the prompt): then everything
    before the closing tag is thought. Takes time linear in the length.
    """
    kept: list[str] = []
    position = 0
    thinks = False
    for tag in TAG.finditer(text):
        closes = bool(tag["close"] or tag["close_other"])
        if closes and not thinks:
            kept.clear()
        elif not closes and not thinks:
            kept.append(text[position : tag.start()])
        thinks = not closes
        position = tag.end()
    if thinks:
        return ""
    if not position:
        return text
    return FRAME.sub("", "".join([*kept, text[position:]]))
