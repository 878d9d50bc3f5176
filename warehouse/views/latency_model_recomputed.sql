-- Grain: one latency model: how it and CP_len did on the rollouts kept from its fit, recomputed.
CREATE OR REPLACE VIEW latency_model_recomputed AS
WITH
pairs AS (
    SELECT
        models.latency_model_id,
        rollouts.makespan_seconds AS measured,
        rollouts.cp_tokens,
        predicted.seconds AS predicted,
        models.proxy_seconds_at_zero
        + models.proxy_seconds_per_token * rollouts.cp_tokens AS proxy
    FROM latency_models AS models
    INNER JOIN predicted_rollouts AS predicted USING (latency_model_id)
    INNER JOIN rollouts USING (rollout_id)
    WHERE predicted.held_out
),

ranked AS (
    SELECT
        *,
        rank() OVER (measured_order)
        + (count(*) OVER (PARTITION BY latency_model_id, measured) - 1) / 2 AS measured_rank,
        rank() OVER (predicted_order)
        + (count(*) OVER (PARTITION BY latency_model_id, predicted) - 1) / 2 AS predicted_rank,
        rank() OVER (tokens_order)
        + (count(*) OVER (PARTITION BY latency_model_id, cp_tokens) - 1) / 2 AS tokens_rank
    FROM pairs
    WINDOW
        measured_order AS (PARTITION BY latency_model_id ORDER BY measured),
        predicted_order AS (PARTITION BY latency_model_id ORDER BY predicted),
        tokens_order AS (PARTITION BY latency_model_id ORDER BY cp_tokens)
),

varying AS (
    SELECT
        latency_model_id,
        avg(measured) AS mean_measured,
        varies(measured) AS measured_varies,
        varies(predicted) AS predicted_varies,
        varies(cp_tokens) AS tokens_vary
    FROM pairs
    GROUP BY latency_model_id
)

SELECT
    latency_model_id,
    count(*) AS held_out_rollouts,
    median_percentage_error(ranked.predicted, ranked.measured) AS median_absolute_percentage_error,
    CASE
        WHEN any_value(varying.measured_varies)
            THEN explained(ranked.predicted, ranked.measured, varying.mean_measured)
    END AS r_squared,
    CASE
        WHEN any_value(varying.measured_varies AND varying.predicted_varies)
            THEN corr(ranked.predicted, ranked.measured)
    END AS pearson,
    CASE
        WHEN any_value(varying.measured_varies AND varying.predicted_varies)
            THEN corr(ranked.predicted_rank, ranked.measured_rank)
    END AS spearman,
    median_percentage_error(ranked.proxy, ranked.measured)
        AS proxy_median_absolute_percentage_error,
    CASE
        WHEN any_value(varying.measured_varies)
            THEN explained(ranked.proxy, ranked.measured, varying.mean_measured)
    END AS proxy_r_squared,
    CASE
        WHEN any_value(varying.measured_varies AND varying.tokens_vary)
            THEN corr(ranked.cp_tokens, ranked.measured)
    END AS proxy_pearson,
    CASE
        WHEN any_value(varying.measured_varies AND varying.tokens_vary)
            THEN corr(ranked.tokens_rank, ranked.measured_rank)
    END AS proxy_spearman
FROM ranked
INNER JOIN varying USING (latency_model_id)
GROUP BY latency_model_id;
