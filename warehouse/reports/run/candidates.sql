-- What would the run's checkpoints have brought on served requests, where they were tried beside a
-- champion?
SELECT
    champion_id,
    candidate_id,
    metric,
    policy,
    value,
    standard_error,
    low,
    high,
    requests,
    agreed,
    by_candidate,
    by_champion
FROM candidate_estimates
WHERE
    candidate_id IN (
        SELECT checkpoints.checkpoint_id
        FROM checkpoints
        WHERE checkpoints.run_id = getvariable('run_id')
    )
ORDER BY champion_id ASC, candidate_id ASC, metric ASC, policy ASC;
