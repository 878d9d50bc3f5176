-- Grain: one operator of one policy and purpose in one run, over the rollouts that used it.
CREATE OR REPLACE VIEW operator_counterfactual AS
WITH
-- An operator stands at most once in a layer; without it the layer falls to its second largest.
per_rollout AS (
    SELECT
        rollouts.run_id,
        rollout_id,
        invocations.operator,
        sum(labels.layer_max_tokens - labels.layer_second_tokens) FILTER (
            WHERE labels.is_critical
        ) AS saved_tokens,
        sum(invocations.cost_usd) AS saved_usd
    FROM operator_invocations AS invocations
    INNER JOIN critical_path_labels AS labels USING (invocation_id)
    INNER JOIN rollouts USING (rollout_id)
    GROUP BY rollouts.run_id, rollout_id, invocations.operator
)

SELECT
    run_id,
    rollouts.policy,
    rollouts.purpose,
    per_rollout.operator,
    count(*) AS rollouts,
    avg(rollouts.score) AS score_mean,
    avg(rollouts.cp_tokens) AS cp_tokens_mean,
    avg(rollouts.cp_tokens - coalesce(per_rollout.saved_tokens, 0)) AS cp_tokens_mean_without,
    avg(rollouts.virtual_seconds) AS virtual_seconds_mean,
    avg((rollouts.cp_tokens - coalesce(per_rollout.saved_tokens, 0)) / rollouts.gamma)
        AS virtual_seconds_mean_without,
    avg(rollouts.cost_usd) AS cost_usd_mean,
    avg(rollouts.cost_usd - per_rollout.saved_usd) AS cost_usd_mean_without,
    sum(coalesce(per_rollout.saved_tokens, 0)) / nullif(sum(rollouts.cp_tokens), 0)
        AS cp_tokens_saved_share,
    sum(per_rollout.saved_usd) / nullif(sum(rollouts.cost_usd), 0) AS cost_saved_share
FROM per_rollout
INNER JOIN rollouts USING (run_id, rollout_id)
WHERE rollouts.status = 'ok'
GROUP BY run_id, rollouts.policy, rollouts.purpose, per_rollout.operator;
