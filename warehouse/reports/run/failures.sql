-- What went wrong in the run? Rollouts that failed, attempts that had to be repeated, by reason.
SELECT
    'rollout' AS what,
    purpose || ', ' || policy AS place,
    coalesce(error, 'no reason recorded') AS reason,
    count(*) AS failures,
    NULL::BIGINT AS recovered
FROM rollouts
WHERE run_id = getvariable('run_id') AND status = 'failed'
GROUP BY ALL
UNION ALL
SELECT
    'call' AS what,
    operator AS place,
    reason,
    sum(failed_attempts)::BIGINT AS failures,
    sum(recovered_calls)::BIGINT AS recovered
FROM failed_calls
WHERE run_id = getvariable('run_id')
GROUP BY ALL
ORDER BY what DESC, failures DESC, place ASC, reason ASC;
