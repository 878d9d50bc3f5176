"""What text may be kept and what may be shown: whole characters, nothing that steers a terminal."""

import re

REPLACEMENT = "\ufffd"
"""What stands where a character could not be kept (Unicode's own choice)."""

# Control characters but tab and newline, what turns the direction of writing, halves of pairs.
_STEERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def well_formed(text: str) -> str:
    """`text` as UTF-8 and a database can hold it.

    Halves of a surrogate pair that stand side by side become their character, as a server that
    cuts by UTF-16 units sends them; a half alone and NUL become U+FFFD.
    """
    if text.isascii():
        return text.replace("\0", REPLACEMENT)
    units = text.encode("utf-16-le", "surrogatepass")
    return units.decode("utf-16-le", "replace").replace("\0", REPLACEMENT)


def printable(text: str) -> str:
    """`text` for a terminal: what steers one stands there as its escape, such as `\\x1b`."""
    return _STEERS.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    number = ord(found[0])
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
