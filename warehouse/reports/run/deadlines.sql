-- Which waiting was asked of each evaluated controller, and which came out?
SELECT
    policy,
    checkpoint_id,
    clock,
    asked,
    score,
    mean,
    p90,
    rollouts
FROM deadlines_kept
WHERE run_id = getvariable('run_id')
ORDER BY policy ASC, checkpoint_id ASC, asked ASC;
