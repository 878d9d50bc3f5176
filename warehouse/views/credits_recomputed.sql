-- Grain: one decision of a finished rollout under one of the four credit rules and one clock:
-- CP_len, or the seconds that one latency model predicts.
CREATE OR REPLACE VIEW credits_recomputed AS
WITH
weights AS (
    SELECT
        run_id,
        json_extract(config_json, '$.training.lambda_c')::DOUBLE AS lambda_c,
        json_extract(config_json, '$.training.lambda_t')::DOUBLE AS lambda_t
    FROM runs
),

-- CP_len counts tokens, γ of them to the second; a latency model counts seconds.
labels AS (
    SELECT
        NULL::VARCHAR AS latency_model_id,
        invocation_id,
        is_critical,
        layer_max_tokens AS layer_max,
        layer_second_tokens AS layer_second
    FROM critical_path_labels
    UNION ALL
    SELECT
        latency_model_id,
        invocation_id,
        is_critical,
        layer_max_seconds AS layer_max,
        layer_second_seconds AS layer_second
    FROM predicted_labels
),

clocks AS (
    SELECT
        NULL::VARCHAR AS latency_model_id,
        rollout_id,
        virtual_seconds AS seconds,
        gamma AS per_second
    FROM rollouts
    UNION ALL
    SELECT
        latency_model_id,
        rollout_id,
        seconds,
        1.0::DOUBLE AS per_second
    FROM predicted_rollouts
),

post_layers AS (
    SELECT
        labels.latency_model_id,
        invocations.rollout_id,
        invocations.layer,
        any_value(labels.layer_max) AS layer_max
    FROM operator_invocations AS invocations
    INNER JOIN labels USING (invocation_id)
    WHERE invocations.kind = 'post'
    GROUP BY labels.latency_model_id, invocations.rollout_id, invocations.layer
),

post_times AS (
    SELECT
        latency_model_id,
        rollout_id,
        ordered_sum(list(layer_max ORDER BY layer)) AS counted
    FROM post_layers
    GROUP BY latency_model_id, rollout_id
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
        clocks.latency_model_id,
        clocks.seconds,
        labels.is_critical,
        -- Post-processing belongs to no operator: every decision pays for it in full.
        invocations.cost_usd
        + coalesce(post_costs.cost_usd, 0.0::DOUBLE) AS marginal_cost_usd,
        -- What vanishes from the layer without the operator; nothing at a tie.
        (
            CASE
                WHEN labels.is_critical THEN labels.layer_max - labels.layer_second
                ELSE 0.0::DOUBLE
            END
            + coalesce(post_times.counted, 0.0::DOUBLE)
        ) / clocks.per_second AS marginal_seconds,
        weights.lambda_c,
        weights.lambda_t
    FROM decisions
    INNER JOIN rollouts USING (rollout_id)
    INNER JOIN weights USING (run_id)
    INNER JOIN operator_invocations AS invocations USING (rollout_id, layer, operator)
    INNER JOIN clocks USING (rollout_id)
    INNER JOIN labels
        ON
            invocations.invocation_id = labels.invocation_id
            AND clocks.latency_model_id IS NOT DISTINCT FROM labels.latency_model_id
    LEFT JOIN post_times
        ON
            rollouts.rollout_id = post_times.rollout_id
            AND clocks.latency_model_id IS NOT DISTINCT FROM post_times.latency_model_id
    LEFT JOIN post_costs ON rollouts.rollout_id = post_costs.rollout_id
    WHERE rollouts.status = 'ok' AND invocations.kind = 'graph'
),

terms AS (
    SELECT
        charged.rollout_id,
        charged.layer,
        charged.operator,
        rules.credit_rule,
        charged.latency_model_id,
        charged.score AS score_term,
        CASE rules.credit_rule
            WHEN 'marginal' THEN -(charged.lambda_c * charged.marginal_cost_usd)
            ELSE -(charged.lambda_c * charged.cost_usd)
        END AS cost_term,
        CASE
            WHEN rules.credit_rule = 'cost_only' THEN 0.0::DOUBLE
            WHEN rules.credit_rule = 'critical_path' AND NOT charged.is_critical THEN 0.0::DOUBLE
            WHEN rules.credit_rule = 'marginal' THEN -(charged.lambda_t * charged.marginal_seconds)
            ELSE -(charged.lambda_t * charged.seconds)
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
