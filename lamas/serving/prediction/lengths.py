"""How long an answer will be: first a class, then quantiles inside it, then a conformal bound.

Two phases are Maestro's (arXiv 2606.12950, as summaries give it); what each is made of is ours.
A group is a (role, model); its classes are equal parts of its training lengths. Phase one: how
likely each class is, given the workflow's type and how long the prompt is, counts drawn towards
those of the type and these towards the group's. Phase two: the training lengths inside the classes,
as likely as the classes are. The bound is split-conformal (Romano, Patterson and Candès 2019): the
predicted quantile times the factor that covers the level on calls kept from both phases.
"""

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamas.errors import DomainError
from lamas.serving.prediction.observed import ObservedCall

CLASSES = 6
PROMPT_BINS = 6
SHRINKAGE = 15.0
"""Observations that the broader share counts for."""
FEWEST = 30
"""A group with fewer training calls takes that of its role, else that of all calls."""
KEPT_SHARE = 0.3
"""Of the training calls, for the conformal factor."""

Group = tuple[str, str]
ANY = ""
"""In place of a model or a role: all of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Length:
    """What is expected of an answer, in tokens."""

    mean: float
    median: float
    upper: int
    """Covers the level for which the model was fitted; ≥ 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Fitted:
    edges: NDArray[np.float64]
    """Inner borders of the classes [C−1]."""
    values: tuple[NDArray[np.float64], ...]
    """Sorted training lengths by class."""
    prompt_edges: tuple[float, ...]
    shares: dict[tuple[str, int], NDArray[np.float64]]
    """Probabilities of classes [C] by type and bin of the prompt."""
    type_shares: dict[str, NDArray[np.float64]]
    prior: NDArray[np.float64]

    def classes(self, workflow_type: str, input_tokens: int) -> NDArray[np.float64]:
        place = bisect_right(self.prompt_edges, input_tokens)
        found = self.shares.get((workflow_type, place))
        return self.type_shares.get(workflow_type, self.prior) if found is None else found

    def quantile(self, classes: NDArray[np.float64], level: float) -> float:
        """Of the mixture of the classes' training lengths."""
        below = 0.0
        for share, values in zip(classes, self.values, strict=True):
            if level <= below + share or values is self.values[-1]:
                inside = (level - below) / share if share > 0 else 0.0
                return float(np.quantile(values, min(max(inside, 0.0), 1.0)))
            below += float(share)
        raise AssertionError("the last class takes every level")

    def mean(self, classes: NDArray[np.float64]) -> float:
        return float(
            sum(share * values.mean() for share, values in zip(classes, self.values, strict=True))
        )


class LengthModel:
    """Fitted once, asked often: equal questions are answered from memory."""

    def __init__(
        self,
        level: float,
        fitted: dict[Group, _Fitted],
        factors: dict[Group, float],
    ) -> None:
        self.level = level
        """Probability with which the upper bound should cover."""
        self._fitted = fitted
        self._factors = factors
        self._known: dict[tuple[str, str, str, int], Length] = {}

    @classmethod
    def fit(
        cls, calls: Sequence[ObservedCall], *, level: float = 0.9, seed: int = 0
    ) -> "LengthModel":
        """Fit to training calls; DomainError for fewer than 2 or a level outside (0, 1)."""
        if len(calls) < 2 or not 0 < level < 1:
            raise DomainError(
                f"a model of lengths needs at least 2 calls and a level in (0, 1), got "
                f"{len(calls)} and {level}"
            )
        kept = np.random.default_rng(seed).random(len(calls)) < KEPT_SHARE
        groups: defaultdict[Group, tuple[list[ObservedCall], list[ObservedCall]]]
        groups = defaultdict(lambda: ([], []))
        for call, held in zip(calls, kept, strict=True):
            for group in ((call.role, call.model), (call.role, ANY), (ANY, ANY)):
                groups[group][int(held)].append(call)
        fitted = {
            group: _fit_group(training)
            for group, (training, _) in groups.items()
            if len(training) >= FEWEST or (group == (ANY, ANY) and training)
        }
        if (ANY, ANY) not in fitted:
            fitted[ANY, ANY] = _fit_group(list(calls))
        factors = {group: _factor(fitted[group], groups[group][1], level) for group in fitted}
        return cls(level, fitted, factors)

    def length(self, role: str, model: str, workflow_type: str, input_tokens: int) -> Length:
        """What is expected of an answer to a prompt of so many tokens."""
        group = self._group(role, model)
        fitted = self._fitted[group]
        place = bisect_right(fitted.prompt_edges, input_tokens)
        key = (*group, workflow_type, place)
        found = self._known.get(key)
        if found is None:
            classes = fitted.classes(workflow_type, input_tokens)
            upper = fitted.quantile(classes, self.level) * self._factors[group]
            found = Length(
                mean=fitted.mean(classes),
                median=fitted.quantile(classes, 0.5),
                upper=max(math.ceil(upper), 1),
            )
            self._known[key] = found
        return found

    def _group(self, role: str, model: str) -> Group:
        for group in ((role, model), (role, ANY)):
            if group in self._fitted:
                return group
        return (ANY, ANY)


def _fit_group(calls: Sequence[ObservedCall]) -> _Fitted:
    lengths = np.array([call.output_tokens for call in calls], dtype=np.float64)
    inputs = np.array([call.input_tokens for call in calls], dtype=np.float64)
    levels = np.arange(1, CLASSES) / CLASSES
    edges = np.unique(np.quantile(lengths, levels))
    classes = np.searchsorted(edges, lengths, side="right")
    used = np.unique(classes)
    classes = np.searchsorted(used, classes)
    count = len(used)
    prompt_edges = np.unique(np.quantile(inputs, np.arange(1, PROMPT_BINS) / PROMPT_BINS))
    bins = np.searchsorted(prompt_edges, inputs, side="right")
    prior = np.bincount(classes, minlength=count) / len(calls)
    types: defaultdict[str, list[int]] = defaultdict(list)
    cells: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for place, call in enumerate(calls):
        types[call.workflow_type].append(place)
        cells[call.workflow_type, int(bins[place])].append(place)

    def shares(places: Sequence[int], broader: NDArray[np.float64]) -> NDArray[np.float64]:
        counted = np.bincount(classes[places], minlength=count)
        return (counted + SHRINKAGE * broader) / (len(places) + SHRINKAGE)

    type_shares = {name: shares(places, prior) for name, places in types.items()}
    return _Fitted(
        edges=edges,
        values=tuple(np.sort(lengths[classes == place]) for place in range(count)),
        prompt_edges=tuple(float(edge) for edge in prompt_edges),
        shares={cell: shares(places, type_shares[cell[0]]) for cell, places in cells.items()},
        type_shares=type_shares,
        prior=prior,
    )


def _factor(fitted: _Fitted, kept: Sequence[ObservedCall], level: float) -> float:
    """The ⌈(n + 1) · level⌉-th smallest ratio of a kept length to its predicted quantile."""
    ratios = sorted(
        call.output_tokens
        / max(fitted.quantile(fitted.classes(call.workflow_type, call.input_tokens), level), 1.0)
        for call in kept
    )
    place = math.ceil((len(ratios) + 1) * level) - 1
    if not ratios:
        return 1.0
    return ratios[min(place, len(ratios) - 1)]
