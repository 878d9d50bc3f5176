"""What the warehouse knows of outcome tables: the cells that a run tabulated, and their worth."""

import polars as pl

from lamas.domain.operator_outcome import ChainOutcome, OperatorOutcome
from warehouse import records
from warehouse.warehouse import Warehouse

_CHAIN = records.RecordOf(ChainOutcome)

_CELLS = """
FROM tabulated_outcomes
WHERE run_id = ? AND status = 'ok'
ORDER BY problem_id, operator, sample
"""
_CHAINS = """
SELECT chain_outcomes.* FROM chain_outcomes
SEMI JOIN (SELECT rollout_id FROM rollouts WHERE run_id = ?) AS own USING (rollout_id)
ORDER BY rollout_id, chain
"""
_VALUES = "FROM operator_values WHERE run_id = ? AND scope = 'all' ORDER BY operator"
_GAP = "FROM oracle_gap WHERE run_id = ? AND scope = 'all'"


def operator_outcomes(warehouse: Warehouse, run_id: str) -> tuple[OperatorOutcome, ...]:
    """The finished cells of a run's outcome table by problem, operator and sample."""
    chains = records.grouped(warehouse.query(_CHAINS, [run_id]), "rollout_id", _CHAIN)
    return tuple(
        OperatorOutcome(
            problem_id=str(row["problem_id"]),
            operator=str(row["operator"]),
            sample=int(row["sample"]),
            chains=chains[str(row["rollout_id"])],
            cost_usd=float(row["cost_usd"]),
        )
        for row in warehouse.query(_CELLS, [run_id]).iter_rows(named=True)
    )


def table_worth(warehouse: Warehouse, run_id: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`operator_values` and `oracle_gap` of a run's whole table."""
    return warehouse.query(_VALUES, [run_id]), warehouse.query(_GAP, [run_id])
