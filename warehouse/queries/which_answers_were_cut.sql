-- Which answers ended at their limit of output tokens, by operator, and did it cost them?
SELECT
    rollouts.run_id,
    invocations.operator,
    calls.request_model,
    calls.request_max_tokens,
    count(*)::BIGINT AS answers,
    count_if(list_contains(calls.response_finish_reasons, 'length'))::BIGINT AS cut,
    round(
        avg(rollouts.score) FILTER (WHERE list_contains(calls.response_finish_reasons, 'length')),
        3
    ) AS score_with_cut,
    round(
        avg(rollouts.score)
        FILTER (WHERE NOT list_contains(calls.response_finish_reasons, 'length')),
        3
    ) AS score_without
FROM model_calls AS calls
INNER JOIN operator_invocations AS invocations USING (invocation_id)
INNER JOIN rollouts USING (rollout_id)
WHERE calls.status = 'ok'
GROUP BY ALL
ORDER BY rollouts.run_id ASC, cut DESC, invocations.operator ASC;
