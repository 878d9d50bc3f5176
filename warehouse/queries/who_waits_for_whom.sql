-- Which roles of which models wait, under which policies and load, in the simulated clusters?
SELECT
    cells.run_id,
    cells.policies,
    cells.load,
    waits.role,
    waits.model,
    sum(waits.calls) AS calls,
    sum(waits.calls * waits.wait_mean_seconds) / sum(waits.calls) AS wait_mean_seconds,
    max(waits.wait_p95_seconds) AS wait_p95_seconds
FROM serving_waits AS waits
INNER JOIN simulated_cells AS cells USING (cell_id)
GROUP BY cells.run_id, cells.policies, cells.load, waits.role, waits.model
ORDER BY cells.run_id ASC, cells.load ASC, cells.policies ASC, wait_mean_seconds DESC;
