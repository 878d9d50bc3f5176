"""The sections of the configuration about what is recorded, handed out and deleted."""

from pydantic import Field

from flows.settings.section import Section
from lamas.domain.texts import Texts


class RecordingConfig(Section):
    """What the warehouse keeps of what models and programs said."""

    texts: Texts = "keep"
    """Prompts, answers, programs and their output: as they are, as digests, or not at all."""


class ExportConfig(Section):
    """What `lamas export` writes."""

    views: bool = False
    """What the views show, too."""
    questions: bool = False
    """In place of everything the questions that a gateway was asked, with the answers people said,
    as benchmark=traffic reads them."""


class RetentionConfig(Section):
    """What `lamas prune` deletes."""

    days: float | None = Field(default=None, ge=0)
    """Runs that ended longer ago go."""
    apply: bool = False
    """Delete; otherwise only show what would go."""
