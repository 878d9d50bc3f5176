"""How a fitted latency model is printed: coefficients with units, errors, correlations, notes."""

from rich.console import Console
from rich.table import Table

from lamas.domain.latency import LATENCY_UNITS, Agreement
from lamas.evaluation.latency import LatencyResult
from lamas.report.terminal import table_console

MEANINGS = {
    "first_token_seconds": "to the first token",
    "first_token_seconds_per_input_token": "more for each token of the prompt",
    "first_token_seconds_per_load": "more for each other call in flight",
    "seconds_per_output_token": "for each token of the answer",
    "seconds_per_output_token_per_load": "more for each other call in flight",
    "reference_load": "other calls in flight that predictions assume (median)",
}


def print_latency(result: LatencyResult) -> None:
    """Print one fitted latency model to stdout."""
    console, fit = table_console(), result.fit
    where = "all runs" if fit.run_id is None else f"run {fit.run_id}"
    console.print(
        f"Latency model {fit.model.latency_model_id} of {fit.model.request_model}, fitted on "
        f"{fit.calls} calls ({fit.streamed_calls} streamed) of {fit.rollouts} rollouts, {where}",
        highlight=False,
        soft_wrap=True,
    )
    _print_coefficients(console, result)
    _print_agreement(console, result)
    _print_correlations(console, result)
    for note in result.notes:
        console.print(f"Note: {note}", highlight=False, soft_wrap=True)
    console.print(
        "Train with it: training.latency_model=fitted training.latency_model_id="
        f"{fit.model.latency_model_id}",
        highlight=False,
        soft_wrap=True,
    )


def _print_coefficients(console: Console, result: LatencyResult) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("coefficient")
    table.add_column("value", justify="right")
    table.add_column("unit")
    table.add_column("meaning")
    for name, unit in LATENCY_UNITS.items():
        value: float = getattr(result.fit.model, name)
        table.add_row(name, f"{value:.6g}", unit, MEANINGS[name])
    if result.fit.first_chunk_seconds is not None:
        table.add_row(
            "first_chunk_seconds",
            f"{result.fit.first_chunk_seconds:.6g}",
            "s",
            "from the first token to the end of the first chunk",
        )
    console.print(table)


def _print_agreement(console: Console, result: LatencyResult) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.title, table.title_justify = "Makespan of held-out rollouts", "left"
    table.add_column("told by")
    for header in ("n", "median |error| %", "R²", "Pearson", "Spearman"):
        table.add_column(header, justify="right")
    for name, item in (
        ("latency model", result.fit.held_out),
        ("CP_len, best line", result.fit.proxy),
    ):
        table.add_row(name, *_figures(item))
    console.print(table)


def _print_correlations(console: Console, result: LatencyResult) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.title, table.title_justify = "Measured seconds of their invocations", "left"
    table.add_column("operator")
    for header in ("n", "CP tokens: Pearson", "Spearman", "predicted: Pearson", "Spearman"):
        table.add_column(header, justify="right")
    for row in result.operators:
        table.add_row(
            row.of,
            str(row.n),
            _number(row.cp_pearson),
            _number(row.cp_spearman),
            _number(row.predicted_pearson),
            _number(row.predicted_spearman),
        )
    console.print(table)


def _figures(item: Agreement) -> tuple[str, ...]:
    return (
        str(item.n),
        _number(item.median_absolute_percentage_error, 1),
        _number(item.r_squared),
        _number(item.pearson),
        _number(item.spearman),
    )


def _number(value: float | None, digits: int = 3) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
