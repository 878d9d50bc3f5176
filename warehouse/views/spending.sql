-- Grain: one operator calling one model, of one policy and purpose in one run; failures included.
CREATE OR REPLACE VIEW spending AS
SELECT
    rollouts.run_id,
    rollouts.policy,
    rollouts.purpose,
    invocations.operator,
    calls.request_model,
    count(*) AS attempts,
    count_if(calls.status = 'error')::BIGINT AS failed_attempts,
    count_if(calls.status = 'cancelled')::BIGINT AS cancelled_attempts,
    count_if(calls.replayed)::BIGINT AS replayed_attempts,
    count(calls.hedge) AS hedged_attempts,
    count(*) FILTER (WHERE calls.hedge = 'second') AS won_hedges,
    sum(calls.usage_input_tokens)::BIGINT AS input_tokens,
    sum(calls.usage_cached_tokens)::BIGINT AS cached_tokens,
    sum(calls.usage_output_tokens)::BIGINT AS output_tokens,
    sum(calls.cost_usd) AS cost_usd,
    coalesce(sum(calls.cost_usd) FILTER (WHERE calls.status = 'error'), 0)
        AS cost_usd_failed_attempts,
    coalesce(sum(calls.cost_usd) FILTER (WHERE calls.status = 'cancelled'), 0)
        AS cost_usd_cancelled_attempts,
    coalesce(sum(calls.hedge_cost_usd), 0) AS cost_usd_hedges,
    coalesce(sum(calls.cost_usd) FILTER (WHERE rollouts.status = 'failed'), 0)
        AS cost_usd_failed_rollouts,
    sum(calls.cost_usd)
    / nullif(sum(sum(calls.cost_usd)) OVER (PARTITION BY rollouts.run_id), 0) AS share_of_run
FROM model_calls AS calls
INNER JOIN operator_invocations AS invocations USING (invocation_id)
INNER JOIN rollouts USING (rollout_id)
GROUP BY
    rollouts.run_id,
    rollouts.policy,
    rollouts.purpose,
    invocations.operator,
    calls.request_model;
