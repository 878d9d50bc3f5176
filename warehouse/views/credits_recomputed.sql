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

charged AS (
    SELECT
        decisions.rollout_id,
        decisions.layer,
        decisions.operator,
        rollouts.score,
        rollouts.cost_usd,
        rollouts.virtual_seconds,
        operator_invocations.cost_usd AS own_cost_usd,
        labels.is_critical,
        -- What vanishes from the layer without the operator; nothing at a tie.
        (labels.layer_max_tokens - labels.layer_second_tokens)
        / rollouts.gamma AS added_seconds,
        weights.lambda_c,
        weights.lambda_t
    FROM decisions
    INNER JOIN rollouts USING (rollout_id)
    INNER JOIN weights USING (run_id)
    INNER JOIN operator_invocations USING (rollout_id, layer, operator)
    INNER JOIN critical_path_labels AS labels USING (invocation_id)
    WHERE rollouts.status = 'ok'
),

terms AS (
    SELECT
        charged.rollout_id,
        charged.layer,
        charged.operator,
        rules.credit_rule,
        charged.score AS score_term,
        CASE rules.credit_rule
            WHEN 'marginal' THEN -(charged.lambda_c * charged.own_cost_usd)
            ELSE -(charged.lambda_c * charged.cost_usd)
        END AS cost_term,
        CASE
            WHEN rules.credit_rule = 'cost_only' THEN 0.0::DOUBLE
            WHEN rules.credit_rule = 'critical_path' AND NOT charged.is_critical THEN 0.0::DOUBLE
            WHEN rules.credit_rule = 'marginal' AND NOT charged.is_critical THEN 0.0::DOUBLE
            WHEN rules.credit_rule = 'marginal' THEN -(charged.lambda_t * charged.added_seconds)
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
