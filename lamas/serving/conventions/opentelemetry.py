"""OpenTelemetry GenAI: the attributes of a span that say what a call belongs to."""

from lamas.domain.call_semantics import CallSemantics


def attributes(semantics: CallSemantics) -> dict[str, str]:
    """Attributes with a value, by their published names."""
    found = {
        "gen_ai.operation.name": "chat",
        "gen_ai.workflow.name": semantics.workflow_type,
        "gen_ai.agent.name": semantics.role,
        "gen_ai.conversation.id": semantics.session,
    }
    return {name: value for name, value in found.items() if value}
