-- Latency models whose held-out figures do not follow from predicted and measured seconds.
WITH
origins AS (
    SELECT
        'stated' AS origin,
        *
    FROM latency_models
    UNION ALL BY NAME
    SELECT
        'recomputed' AS origin,
        *
    FROM latency_model_recomputed
),

figures AS (
    UNPIVOT (
        SELECT
            origin,
            latency_model_id,
            coalesce(held_out_rollouts::DOUBLE, 'nan') AS held_out_rollouts,
            coalesce(median_absolute_percentage_error, 'nan') AS median_absolute_percentage_error,
            coalesce(r_squared, 'nan') AS r_squared,
            coalesce(pearson, 'nan') AS pearson,
            coalesce(spearman, 'nan') AS spearman,
            coalesce(proxy_median_absolute_percentage_error, 'nan')
                AS proxy_median_absolute_percentage_error,
            coalesce(proxy_r_squared, 'nan') AS proxy_r_squared,
            coalesce(proxy_pearson, 'nan') AS proxy_pearson,
            coalesce(proxy_spearman, 'nan') AS proxy_spearman
        FROM origins
    )
    ON COLUMNS(* EXCLUDE (origin, latency_model_id))
    INTO
    NAME figure
    VALUE value
)

SELECT
    stated.latency_model_id,
    stated.figure,
    stated.value,
    recomputed.value AS recomputed_value
FROM figures AS stated
LEFT JOIN figures AS recomputed
    ON
        stated.latency_model_id = recomputed.latency_model_id
        AND stated.figure = recomputed.figure
        AND recomputed.origin = 'recomputed'
-- Correlations and squares are summed in another order than in Python: equal to nine digits.
WHERE
    stated.origin = 'stated'
    AND (
        recomputed.value IS NULL
        OR isnan(stated.value) <> isnan(recomputed.value)
        OR abs(stated.value - recomputed.value) > 1e-9 * greatest(1, abs(stated.value))
    );
