"""Credit rules: how the reward of a rollout is shared among its decisions."""

from collections.abc import Callable, Mapping

from lamas.errors import ConfigurationError
from lamas.training.credit.cost_only import CostOnly
from lamas.training.credit.critical_path import CriticalPath
from lamas.training.credit.marginal import Marginal
from lamas.training.credit.rule import CreditRule
from lamas.training.credit.uniform import Uniform

CREDIT_RULES: Mapping[str, Callable[[], CreditRule]] = {
    CriticalPath.name: CriticalPath,
    Uniform.name: Uniform,
    CostOnly.name: CostOnly,
    Marginal.name: Marginal,
}


def credit_rule(name: str) -> CreditRule:
    """The rule called `name`; ConfigurationError lists the known ones otherwise."""
    if name not in CREDIT_RULES:
        raise ConfigurationError(f"credit rule {name!r} is not one of {', '.join(CREDIT_RULES)}")
    return CREDIT_RULES[name]()


__all__ = [
    "CREDIT_RULES",
    "CostOnly",
    "CreditRule",
    "CriticalPath",
    "Marginal",
    "Uniform",
    "credit_rule",
]
