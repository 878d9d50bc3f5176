-- Within how many seconds does each share of the workflows end?
SELECT
    cells.policies,
    cells.load,
    quantile_cont(
        jobs.ended_at - jobs.arrived_at,
        [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99]
    ) AS seconds
FROM simulated_workflows AS jobs
INNER JOIN simulated_cells AS cells USING (cell_id)
WHERE cells.run_id = getvariable('run_id')
GROUP BY cells.policies, cells.load
ORDER BY cells.policies, cells.load;
