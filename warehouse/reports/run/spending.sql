-- What was the run's money spent on? USD of each purpose and operator, failures included.
SELECT
    purpose,
    operator,
    sum(attempts)::BIGINT AS attempts,
    sum(replayed_attempts)::BIGINT AS replayed_attempts,
    sum(input_tokens)::BIGINT AS input_tokens,
    sum(output_tokens)::BIGINT AS output_tokens,
    sum(cost_usd) AS cost_usd,
    sum(share_of_run) AS share_of_run
FROM spending
WHERE run_id = getvariable('run_id')
GROUP BY purpose, operator
ORDER BY cost_usd DESC, purpose ASC, operator ASC;
