"""A profile while it is being fitted: its plain data, and what was found of each key."""

from collections.abc import Mapping
from typing import cast

from lamas.calibration.observations import Finding, Observations
from lamas.llm.simulated.profile import Population, SimulatedProfile, parse_profile

Node = dict[str, object]
SIGNIFICANT_DIGITS = 4


class Draft:
    """The starting profile's data with a population for the observed benchmark.

    A population that names the problems by pattern is changed in place; otherwise a copy of the
    family's default is put in front of the others.
    """

    def __init__(self, start: SimulatedProfile, seen: Observations) -> None:
        self.start = start
        self.findings: list[Finding] = []
        self._content: Node = start.model_dump(mode="json")
        example = seen.problems[0].problem_id
        chosen = start.population_of(example, seen.family)
        names = [name for name, item in start.populations.items() if item is chosen]
        self.population_name = names[0]
        populations = cast("dict[str, Node]", self._content["populations"])
        if chosen.family is not None:
            self.population_name = _free_name(seen.benchmark, populations)
            own = {
                **chosen.model_dump(mode="json"),
                "matches": [f"{_literal(seen.benchmark)}/*"],
                "family": None,
            }
            populations = {self.population_name: own, **populations}
            self._content["populations"] = populations
        self._population = populations[self.population_name]
        self.population: Population = chosen

    def own_operator(self, name: str) -> Node:
        """The operator's data, free of the population's additions and factors, which go into it."""
        operators = cast("dict[str, Node]", self._content["operators"])
        if name not in operators:
            operators[name] = self.start.default_operator.model_dump(mode="json")
        operator = operators[name]
        skills = cast("dict[str, float]", self._population["skill"])
        added = skills.pop(name, 0.0)
        for key in ("skill", "skill_when_right", "skill_when_wrong"):
            if key in operator:
                operator[key] = cast("float", operator[key]) + added
        if "skill_by_attempt" in operator:
            attempts = cast("list[float]", operator["skill_by_attempt"])
            operator["skill_by_attempt"] = [value + added for value in attempts]
        factors = cast("dict[str, float]", self._population["length"])
        factor = factors.get(name, factors.get("*", 1.0))
        for key in ("tokens", "statement_tokens"):
            length = cast("Node | None", operator.get(key))
            if length is not None and length["scaled"]:
                length["mean"] = cast("float", length["mean"]) * factor
        if factor != 1.0:
            factors[name] = 1.0
        return operator

    def value(self, *path: str) -> float:
        """The number at a path."""
        owner, key = self._owner(path)
        found = owner[int(key)] if isinstance(owner, list) else owner[key]
        return float(cast("float", found))

    def fitted(self, *path: str, value: float, note: str, error: float | None = None) -> None:
        """Set a number, and remember from what."""
        before = self.value(*path)
        owner, key = self._owner(path)
        given = rounded(value)
        if isinstance(owner, list):
            owner[int(key)] = given
        else:
            owner[key] = int(given) if isinstance(owner[key], int) else given
        self._found(path, before, given, note, fitted=True, error=error)

    def kept(self, *path: str, note: str) -> None:
        """Remember why a number stays as it was."""
        before = self.value(*path)
        self._found(path, before, before, note, fitted=False, error=None)

    def measured_questions(self, median: float, sigma: float, note: str) -> None:
        """The distribution of the questions' lengths, which needs no fit."""
        known = cast("Node | None", self._population["question_length"])
        correlation = 0.0 if known is None else known["correlation"]
        before = (median, sigma) if known is None else (known["median"], known["sigma"])
        self._population["question_length"] = {
            "median": before[0],
            "sigma": before[1],
            "correlation": correlation,
        }
        place = ("populations", self.population_name, "question_length")
        self.fitted(*place, "median", value=median, note=note)
        self.fitted(*place, "sigma", value=sigma, note=note)

    def named(self, model: str) -> None:
        """The name in every response."""
        self._content["model"] = f"simulated-{model.removeprefix('simulated-')}"

    def profile(self) -> SimulatedProfile:
        """Checked like any other profile."""
        return parse_profile(self._content, "fitted")

    def _found(
        self,
        path: tuple[str, ...],
        before: float,
        value: float,
        note: str,
        *,
        fitted: bool,
        error: float | None,
    ) -> None:
        self.findings.append(
            Finding(path=path, before=before, value=value, fitted=fitted, note=note, error=error)
        )

    def _owner(self, path: tuple[str, ...]) -> tuple[Node | list[float], str]:
        node: Node | list[float] = self._content
        for key in path[:-1]:
            assert isinstance(node, dict)
            node = cast("Node | list[float]", node[key])
        return node, path[-1]


def rounded(value: float) -> float:
    """To as many digits as a person reads; far finer than any fit."""
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def _free_name(benchmark: str, taken: Mapping[str, object]) -> str:
    name = benchmark
    while name in taken:
        name += "_fitted"
    return name


def _literal(name: str) -> str:
    """As a shell pattern that matches only itself."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
