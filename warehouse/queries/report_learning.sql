-- What did each training step of the run see? Means of its batch; reward is S − λ_c·C − λ_t·T.
WITH
weights AS (
    SELECT
        run_id,
        json_extract(config_json, '$.training.lambda_c')::DOUBLE AS lambda_c,
        json_extract(config_json, '$.training.lambda_t')::DOUBLE AS lambda_t
    FROM runs
)

SELECT
    learning_curve.step,
    learning_curve.rollouts,
    learning_curve.failed_rollouts,
    learning_curve.score,
    learning_curve.cp_tokens,
    learning_curve.cost_usd,
    learning_curve.entropy,
    learning_curve.score
    - weights.lambda_c * learning_curve.cost_usd
    - weights.lambda_t * learning_curve.virtual_seconds AS reward
FROM learning_curve
INNER JOIN weights USING (run_id)
WHERE run_id = getvariable('run_id')
ORDER BY learning_curve.step;
