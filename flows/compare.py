"""Variants trained over several seeds and weighed against each other on the same problems."""

from collections.abc import Mapping, Sequence

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact

from flows.comparison.members import open_members, outcomes_of
from flows.comparison.run import run_members
from flows.comparison.variants import Variant, configured, grid
from flows.prepare import prepare
from flows.run.naming import run_name
from flows.run.opening import session
from flows.run.problems import problem_set
from flows.run.session import Session
from lamas.domain import derive_seed
from lamas.evaluation.estimates import estimates_of
from lamas.report.assumed import assumptions
from lamas.report.comparison.claims import claims_markdown
from lamas.report.comparison.estimates_table import print_comparison


@flow(name="compare", flow_run_name=run_name("compare"))
async def compare(overrides: list[str] | None = None) -> None:
    """Started by hand. Reads the benchmark's source; trains every variant of `comparison.variants`
    with every seed, evaluates them and the fixed graphs on the same held-out problems; writes every
    table, `comparison_members` and `comparison_estimates`, and shows tables.

    May run twice: an interrupted comparison is gone on with, a completed one is made anew.
    """
    async with session("compare", overrides) as current:
        variants = configured(current.settings, overrides or [])
        config = current.settings.comparison
        await _weigh(current, variants, seeds=config.seeds, against=config.against)


@flow(name="sweep", flow_run_name=run_name("sweep"))
async def sweep(overrides: list[str] | None = None) -> None:
    """Started by hand. As `compare`, but the variants are the points of `sweep.grid`: what each
    value of λ_t, τ, L … costs and brings.

    May run twice: an interrupted sweep is gone on with, a completed one is made anew.
    """
    async with session("sweep", overrides) as current:
        variants = grid(current.settings, overrides or [])
        first = variants[0].name
        others = [item.name for item in variants if item.fixed is None][1:]
        against = {name: [first] for name in others} if current.settings.sweep.each else {}
        await _weigh(current, variants, seeds=current.settings.sweep.seeds, against=against)


async def _weigh(
    current: Session,
    variants: Sequence[Variant],
    *,
    seeds: int,
    against: Mapping[str, Sequence[str]],
) -> None:
    await prepare()
    problem_set(current)
    members = open_members(current, variants, seeds)
    kind = current.run.kind
    await run_members(current, members, name=kind)
    settings = current.settings
    estimates = estimates_of(
        outcomes_of(current, members),
        against,
        run_id=current.run.run_id,
        margin=settings.comparison.margin,
        seed=derive_seed(settings.seed, "bootstrap"),
    )
    current.writer.add_comparison_estimates(estimates)
    title = (
        f"{kind}: {current.benchmark.name}, model {settings.llm.model}, {seeds} training seeds "
        f"from {settings.seed}{' — simulated model' if settings.simulated else ''}"
    )
    assumed = assumptions(*current.reader.assumed([item.session.run.run_id for item in members]))
    title += f" — {assumed}" if assumed else ""
    print_comparison(estimates, title)
    text = claims_markdown(estimates, title, timed=settings.seconds_are_the_models)
    await acreate_markdown_artifact(key=kind, markdown=text)
    home, run_id = settings.home, current.run.run_id
    current.say(f"`lamas report home={home} run={run_id}` makes an HTML file of all this")
