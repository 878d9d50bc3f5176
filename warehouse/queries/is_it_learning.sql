-- Does training get anywhere? The reward of each batch, mean S − λ_c·C − λ_t·T, beside its parts.
WITH
weights AS (
    SELECT
        run_id,
        json_extract(config_json, '$.training.lambda_c')::DOUBLE AS lambda_c,
        json_extract(config_json, '$.training.lambda_t')::DOUBLE AS lambda_t
    FROM runs
)

SELECT
    run_id,
    learning_curve.step,
    round(
        learning_curve.score
        - weights.lambda_c * learning_curve.cost_usd
        - weights.lambda_t * learning_curve.virtual_seconds,
        4
    ) AS reward,
    round(learning_curve.score, 3) AS score,
    round(learning_curve.cost_usd, 6) AS cost_usd,
    round(learning_curve.cp_tokens, 1) AS cp_tokens,
    round(learning_curve.layers, 2) AS layers,
    round(learning_curve.operators, 2) AS operators,
    round(learning_curve.entropy, 3) AS entropy,
    learning_curve.failed_rollouts
FROM learning_curve
INNER JOIN weights USING (run_id)
ORDER BY run_id, learning_curve.step;
