-- How quickly does each model answer? Time to first chunk and output speed of calls really made.
SELECT
    rollouts.run_id,
    calls.request_model,
    count(*) AS calls,
    round(quantile_cont(calls.time_to_first_chunk_seconds, 0.5), 3) AS first_chunk_p50,
    round(quantile_cont(calls.time_to_first_chunk_seconds, 0.99), 3) AS first_chunk_p99,
    round(quantile_cont(calls.ended_at - calls.started_at, 0.5), 3) AS seconds_p50,
    round(quantile_cont(calls.ended_at - calls.started_at, 0.99), 3) AS seconds_p99,
    round(
        sum(calls.usage_output_tokens) / nullif(sum(calls.ended_at - calls.started_at), 0), 1
    ) AS output_tokens_per_second
FROM model_calls AS calls
INNER JOIN operator_invocations USING (invocation_id)
INNER JOIN rollouts USING (rollout_id)
WHERE calls.status = 'ok' AND NOT calls.replayed
GROUP BY rollouts.run_id, calls.request_model
ORDER BY rollouts.run_id, calls.request_model;
