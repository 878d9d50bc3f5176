"""The terminal as a place for tables: as wide as it is, unbounded in a pipe, every text literal."""

from rich.console import Console, HighlighterType, JustifyMethod, OverflowMethod
from rich.style import StyleType
from rich.text import Text

from lamas.domain.printable import printable

UNBOUNDED_WIDTH = 10_000


class LiteralConsole(Console):
    """Prints every text as it is: no markup, no emoji names, control characters shown escaped.

    What a model, an endpoint or a file said passes through here; styles are given as arguments or
    as `Text`.
    """

    def __init__(self, *, stderr: bool = False, width: int | None = None) -> None:
        super().__init__(stderr=stderr, width=width, markup=False, emoji=False)

    def render_str(
        self,
        text: str,
        *,
        style: StyleType = "",
        justify: JustifyMethod | None = None,
        overflow: OverflowMethod | None = None,
        emoji: bool | None = None,
        markup: bool | None = None,
        highlight: bool | None = None,
        highlighter: HighlighterType | None = None,
    ) -> Text:
        """Every text comes by here, cells and titles too."""
        return super().render_str(
            printable(text),
            style=style,
            justify=justify,
            overflow=overflow,
            emoji=emoji,
            markup=markup,
            highlight=highlight,
            highlighter=highlighter,
        )


def table_console() -> Console:
    """Stdout as wide as it is; in a file or pipe nothing is cut or wrapped."""
    console = LiteralConsole()
    return console if console.is_terminal else LiteralConsole(width=UNBOUNDED_WIDTH)
