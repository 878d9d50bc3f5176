"""Text from anywhere made fit for a terminal: what would steer it is shown instead of obeyed."""

import re

# Control characters but newline and tab; marks and overrides of writing direction; line separators
# that no terminal knows; halves of characters that no encoding takes.
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    """`text` with every character that would steer a terminal written as `\\x1b`, `\\u202e` …"""
    return _STEERING.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    number = ord(found[0])
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
