-- Runs that ended without a time, still run with one, or failed without a reason.
SELECT
    run_id,
    kind,
    status,
    ended_at,
    error
FROM runs
WHERE
    (status = 'running') <> (ended_at IS NULL)
    OR (status = 'failed' AND error IS NULL);
