-- Which waiting was asked of a controller, and which came out on problems it was not fitted to?
SELECT
    policy,
    checkpoint_id,
    clock,
    asked,
    multiplier,
    score,
    mean,
    p90,
    rollouts
FROM deadlines_kept
WHERE run_id = getvariable('run_id')
ORDER BY policy, checkpoint_id, asked;
