-- What goes wrong at the endpoint, how often, and did another attempt help?
SELECT
    run_id,
    reason,
    sum(failed_attempts)::BIGINT AS failed_attempts,
    sum(recovered_calls)::BIGINT AS recovered_calls,
    sum(lost_calls)::BIGINT AS lost_calls,
    round(sum(seconds_lost), 1) AS seconds_lost,
    list(DISTINCT operator ORDER BY operator) AS operators
FROM failed_calls
GROUP BY run_id, reason
ORDER BY run_id ASC, failed_attempts DESC;
