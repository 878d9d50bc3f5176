-- Grain: one decision of a finished training rollout under one credit rule and one clock:
-- CP_len, or the seconds that one latency model predicts. And one operator of an outcome table that
-- was learned from, which is all of its path, at the price of waiting that the controller came to.
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
-- Everything keeps run_id so that a condition on it reaches the tables.
timed AS NOT MATERIALIZED (
    SELECT
        rollouts.run_id,
        rollouts.rollout_id,
        rollouts.score,
        rollouts.cost_usd,
        invocations.layer,
        invocations.operator,
        invocations.kind,
        invocations.cost_usd AS own_cost_usd,
        NULL::VARCHAR AS latency_model_id,
        labels.is_critical,
        labels.layer_max_tokens AS layer_max,
        labels.layer_second_tokens AS layer_second,
        rollouts.virtual_seconds AS seconds,
        rollouts.gamma AS per_second
    FROM operator_invocations AS invocations
    INNER JOIN critical_path_labels AS labels USING (invocation_id)
    INNER JOIN rollouts USING (rollout_id)
    WHERE rollouts.purpose = 'train' AND rollouts.status = 'ok'
    UNION ALL
    SELECT
        rollouts.run_id,
        rollouts.rollout_id,
        rollouts.score,
        rollouts.cost_usd,
        labels.layer,
        labels.operator,
        labels.kind,
        labels.cost_usd AS own_cost_usd,
        labels.latency_model_id,
        labels.is_critical,
        labels.layer_max_seconds AS layer_max,
        labels.layer_second_seconds AS layer_second,
        predicted.seconds,
        1.0::DOUBLE AS per_second
    FROM predicted_labels AS labels
    INNER JOIN predicted_rollouts AS predicted USING (run_id, rollout_id, latency_model_id)
    INNER JOIN rollouts USING (run_id, rollout_id)
    WHERE rollouts.purpose = 'train' AND rollouts.status = 'ok'
),

post_layers AS (
    SELECT
        latency_model_id,
        run_id,
        rollout_id,
        layer,
        any_value(layer_max) AS layer_max
    FROM timed
    WHERE kind = 'post'
    GROUP BY latency_model_id, run_id, rollout_id, layer
),

post_times AS (
    SELECT
        latency_model_id,
        run_id,
        rollout_id,
        ordered_sum(list(layer_max ORDER BY layer)) AS counted
    FROM post_layers
    GROUP BY latency_model_id, run_id, rollout_id
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
        timed.run_id,
        timed.rollout_id,
        timed.layer,
        timed.operator,
        timed.score,
        timed.cost_usd,
        timed.latency_model_id,
        timed.seconds,
        timed.is_critical,
        -- Post-processing belongs to no operator: every decision pays for it in full.
        timed.own_cost_usd
        + coalesce(post_costs.cost_usd, 0.0::DOUBLE) AS marginal_cost_usd,
        -- What vanishes from the layer without the operator; nothing at a tie.
        (
            CASE
                WHEN timed.is_critical THEN timed.layer_max - timed.layer_second
                ELSE 0.0::DOUBLE
            END
            + coalesce(post_times.counted, 0.0::DOUBLE)
        ) / timed.per_second AS marginal_seconds,
        weights.lambda_c,
        weights.lambda_t
    FROM timed
    INNER JOIN weights ON timed.run_id = weights.run_id
    LEFT JOIN post_times
        ON
            timed.run_id = post_times.run_id
            AND timed.rollout_id = post_times.rollout_id
            AND timed.latency_model_id IS NOT DISTINCT FROM post_times.latency_model_id
    LEFT JOIN post_costs ON timed.rollout_id = post_costs.rollout_id
    WHERE timed.kind = 'graph'
),

terms AS (
    SELECT
        charged.run_id,
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
    UNION ALL
    SELECT
        cells.run_id,
        cells.rollout_id,
        1 AS layer,
        cells.operator,
        'critical_path' AS credit_rule,
        NULL::VARCHAR AS latency_model_id,
        cells.score AS score_term,
        0.0::DOUBLE AS cost_term,
        -(
            fits.multiplier
            * CASE fits.clock WHEN 'tokens' THEN cells.cp_tokens ELSE cells.seconds END
        ) AS latency_term
    FROM tabulated_outcomes AS cells
    INNER JOIN table_fits AS fits ON cells.run_id = fits.run_id
    WHERE cells.status = 'ok'
)

SELECT
    *,
    score_term + cost_term + latency_term AS reward
FROM terms;
