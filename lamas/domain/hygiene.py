"""What text may be kept: whole characters that UTF-8 and a database can hold."""

REPLACEMENT = "\ufffd"
"""What stands where a character could not be kept (Unicode's own choice)."""


def well_formed(text: str) -> str:
    """`text` as UTF-8 and a database can hold it.

    Halves of a surrogate pair that stand side by side become their character, as a server that
    cuts by UTF-16 units sends them; a half alone and NUL become U+FFFD.
    """
    if text.isascii():
        return text.replace("\0", REPLACEMENT)
    units = text.encode("utf-16-le", "surrogatepass")
    return units.decode("utf-16-le", "replace").replace("\0", REPLACEMENT)
