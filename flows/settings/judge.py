"""The section `judge`: who says what is right where nobody has."""

from pydantic import Field, model_validator

from flows.settings.section import Section


class JudgeConfig(Section):
    """How `lamas judge` answers the questions of a gateway."""

    operators: list[str] = Field(default_factory=lambda: ["GenerateCoT"], min_length=1)
    """Operators that read no predecessor, bound to a model as in `operators.enabled`."""
    samples: int = Field(default=3, ge=1)
    """Times that each of them answers a question."""
    agreement: int = Field(default=2, ge=1)
    """So many of the answers to a question must be equal to be taken for right."""
    questions: int = Field(default=200, ge=1)
    """At most so many in a run, the latest first."""

    @model_validator(mode="after")
    def _can_agree(self) -> "JudgeConfig":
        answers = self.samples * len(self.operators)
        if self.agreement > answers:
            raise ValueError(
                f"agreement={self.agreement} of {answers} answers ({len(self.operators)} operators "
                f"× {self.samples} samples) cannot be reached; lower it or raise samples"
            )
        return self
