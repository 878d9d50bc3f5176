"""Which variants a configuration describes, and what they must have in common."""

import pytest

from flows.comparison.variants import configured, fixed_graphs, grid
from flows.settings import Settings
from flows.settings.compose import load_settings
from lamas.errors import ConfigurationError

BASE = ("llm=simulated", "seed=3")


def settings(*overrides: str) -> Settings:
    return load_settings([*BASE, *overrides])


def of(*overrides: str) -> dict[str, Settings]:
    given = [*BASE, *overrides]
    return {item.name: item.settings for item in configured(load_settings(given), given)}


@pytest.mark.slow
def test_the_proof_names_what_the_paper_compares() -> None:
    given = ["experiment=proof"]
    variants = {item.name: item for item in configured(load_settings(given), given)}
    assert {"lamas", "lamas_paper", "lambda_t_0", "credit_uniform", "credit_marginal"} <= set(
        variants
    )
    assert {"maas", "random", "generate", "generate_cot", "cot5_sc", "everything"} <= set(variants)
    paper, maas = variants["lamas_paper"].settings, variants["maas"].settings
    assert (paper.controller.kind, paper.credit.rule, paper.execution.mode) == (
        "paper",
        "critical_path",
        "parallel",
    )
    assert (maas.credit.rule, maas.execution.mode) == ("cost_only", "sequential")
    assert variants["lambda_t_0"].settings.training.lambda_t == 0.0
    assert not variants["random"].learned
    assert variants["random"].settings.evaluation.mode == "sampled"
    # One protocol, one price list, one set of operators for all; ours never asks for a vote, so
    # that what a graph is worth follows from its table.
    operators = {
        name: item.settings.operators.model_copy(update={"ensemble": "model"})
        for name, item in variants.items()
        if item.control is None
    }
    assert len({repr(item) for item in operators.values()}) == 1
    asking = {name: item.settings.operators.ensemble == "model" for name, item in variants.items()}
    assert not asking["lamas"]
    assert all(asking[name] for name in ("lamas_paper", "maas", "random", "cot5_sc"))
    assert len({repr(item.settings.llm) for item in variants.values()}) == 1


@pytest.mark.slow
def test_a_variants_overrides_replace_those_of_the_comparison() -> None:
    found = of(
        "learner=reinforce",
        "controller=paper",
        "training.steps=7",
        "comparison.variants={a:[],b:['controller=lamas','training.steps=9']}",
    )
    assert (found["a"].controller.kind, found["a"].training.steps) == ("paper", 7)
    assert (found["b"].controller.kind, found["b"].training.steps) == ("lamas", 9)


def test_members_train_with_their_own_seed_and_are_evaluated_with_one() -> None:
    variant = configured(settings("comparison.fixed=[generate]"), BASE)[0]
    assert variant.with_seed(8).seed == 8
    assert variant.with_seed(8).evaluation.seed == variant.with_seed(9).evaluation.seed == 3


def test_an_empty_comparison_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="nothing to compare"):
        configured(settings(), BASE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("override", "part"),
    [
        ("benchmark.size=50", "benchmark"),
        ("seed=9", "seed"),
        ("llm.model=other", "llm"),
        ("evaluation.problems=1", "evaluation"),
    ],
)
def test_a_variant_may_not_change_what_all_share(override: str, part: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"variant 'odd' changes {part}"):
        of(f"comparison.variants={{odd:['{override}']}}")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("comparison.against={nobody:[generate]}", "names 'nobody'"),
        ("comparison.variants={generate:[]}", "both a variant and a fixed graph"),
        ("comparison.margin=0", "comparison.margin"),
        ("comparison.seeds=0", "comparison.seeds"),
    ],
)
def test_bad_comparisons_are_named(override: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        settings("comparison.fixed=[generate]", override)


@pytest.mark.slow
def test_a_grid_varies_each_key_alone_or_all_together() -> None:
    keys = "sweep.grid={training.lambda_t:[0.001,0.02],controller.layers:[2,6]}"
    given = [*BASE, "learner=reinforce", keys, "sweep.fixed=[generate]"]
    each = {item.name: item for item in grid(load_settings(given), given)}
    assert list(each) == [
        "base",
        "training.lambda_t=0.001",
        "training.lambda_t=0.02",
        "controller.layers=2",
        "controller.layers=6",
        "generate",
    ]
    assert each["controller.layers=6"].settings.training.lambda_t == 0.005
    given = [*given, "sweep.each=false"]
    together = {item.name: item.settings for item in grid(load_settings(given), given)}
    assert len(together) == 5
    point = together["training.lambda_t=0.02, controller.layers=6"]
    assert (point.training.lambda_t, point.controller.layers) == (0.02, 6)


@pytest.mark.slow
def test_a_sweep_may_vary_the_simulated_model() -> None:
    given = [*BASE, "sweep.grid={llm.simulated.seed:[1,2]}"]
    seeds = [item.settings.llm.simulated.seed for item in grid(load_settings(given), given)]
    assert seeds[:3] == [0, 1, 2]


def test_an_empty_grid_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="nothing to sweep"):
        grid(
            settings().model_copy(
                update={"sweep": settings().sweep.model_copy(update={"grid": {}})}
            ),
            BASE,
        )


@pytest.mark.slow
def test_fixed_graphs_learn_nothing() -> None:
    assert [item.learned for item in fixed_graphs(settings(), ["generate"])] == [False]
