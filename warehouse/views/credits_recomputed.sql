-- Grain: one decision of one rollout that did not fail under one of the four credit rules.
CREATE OR REPLACE VIEW credits_recomputed AS
WITH
weights AS (
    SELECT
        run_id,
        json_extract(config_json, '$.training.lambda_c')::DOUBLE AS lambda_c,
        json_extract(config_json, '$.training.lambda_t')::DOUBLE AS lambda_t
    FROM runs
),

post_layers AS (
    SELECT
        invocations.rollout_id,
        invocations.layer,
        any_value(labels.layer_max_tokens) AS layer_tokens
    FROM operator_invocations AS invocations
    INNER JOIN critical_path_labels AS labels USING (invocation_id)
    WHERE invocations.kind = 'post'
    GROUP BY invocations.rollout_id, invocations.layer
),

post_times AS (
    SELECT
        rollout_id,
        ordered_sum(list(layer_tokens ORDER BY layer)) AS tokens
    FROM post_layers
    GROUP BY rollout_id
),

post_costs AS (
    SELECT
        rollout_id,
        ordered_sum(list(cost_usd ORDER BY layer, position)) AS cost_usd
    FROM operator_invocations
    WHERE kind = 'post'
    GROUP BY rollout_id
),

charged AS (
    SELECT
        decisions.rollout_id,
        decisions.layer,
        decisions.operator,
        rollouts.score,
        rollouts.cost_usd,
        rollouts.virtual_seconds,
        labels.is_critical,
        -- Post-processing belongs to no operator: every decision pays for it in full.
        invocations.cost_usd
        + coalesce(post_costs.cost_usd, 0.0::DOUBLE) AS marginal_cost_usd,
        -- What vanishes from the layer without the operator; nothing at a tie.
        (
            CASE
                WHEN labels.is_critical THEN labels.layer_max_tokens - labels.layer_second_tokens
                ELSE 0.0::DOUBLE
            END
            + coalesce(post_times.tokens, 0.0::DOUBLE)
        ) / rollouts.gamma AS marginal_seconds,
        weights.lambda_c,
        weights.lambda_t
    FROM decisions
    INNER JOIN rollouts USING (rollout_id)
    INNER JOIN weights USING (run_id)
    INNER JOIN operator_invocations AS invocations USING (rollout_id, layer, operator)
    INNER JOIN critical_path_labels AS labels USING (invocation_id)
    LEFT JOIN post_times USING (rollout_id)
    LEFT JOIN post_costs USING (rollout_id)
    WHERE rollouts.status = 'ok' AND invocations.kind = 'graph'
),

terms AS (
    SELECT
        charged.rollout_id,
        charged.layer,
        charged.operator,
        rules.credit_rule,
        charged.score AS score_term,
        CASE rules.credit_rule
            WHEN 'marginal' THEN -(charged.lambda_c * charged.marginal_cost_usd)
            ELSE -(charged.lambda_c * charged.cost_usd)
        END AS cost_term,
        CASE
            WHEN rules.credit_rule = 'cost_only' THEN 0.0::DOUBLE
            WHEN rules.credit_rule = 'critical_path' AND NOT charged.is_critical THEN 0.0::DOUBLE
            WHEN rules.credit_rule = 'marginal' THEN -(charged.lambda_t * charged.marginal_seconds)
            ELSE -(charged.lambda_t * charged.virtual_seconds)
        END AS latency_term
    FROM charged
    CROSS JOIN (
        VALUES ('critical_path'), ('uniform'), ('cost_only'), ('marginal')
    ) AS rules (credit_rule)
)

SELECT
    *,
    score_term + cost_term + latency_term AS reward
FROM terms;
