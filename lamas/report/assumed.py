"""What is said wherever figures rest on tokens or seconds that nobody counted or measured."""


def assumptions(attempts: int, assumed_seconds: int, estimated_tokens: int) -> str:
    """One sentence on how many of so many answers are affected; empty where none is."""
    parts: list[str] = []
    if assumed_seconds:
        parts.append(
            f"the seconds of {assumed_seconds:,} of {attempts:,} answers are not measured but "
            "follow from the declared speeds of their models"
        )
    if estimated_tokens:
        parts.append(
            f"the tokens of {estimated_tokens:,} of {attempts:,} were not counted but are "
            "characters / 4"
        )
    return f"Assumed: {'; '.join(parts)}." if parts else ""
