-- What did each training step of the run see? Means of its batch; reward is S − λ_c·C − λ_t·T.
WITH
weights AS (
    SELECT
        run_id,
        json_extract(config_json, '$.training.lambda_c')::DOUBLE AS lambda_c,
        json_extract(config_json, '$.training.lambda_t')::DOUBLE AS lambda_t
    FROM runs
),

-- Where a latency model told the time, T is what it predicts.
used AS (
    SELECT DISTINCT
        rollout_id,
        latency_model_id
    FROM credits
    WHERE latency_model_id IS NOT NULL
),

predicted AS (
    SELECT
        rollouts.run_id,
        rollouts.step,
        ordered_mean(
            list(
                predicted_rollouts.seconds
                ORDER BY
                    rollouts.problem_id,
                    rollouts.policy,
                    rollouts.sample_index,
                    rollouts.retry,
                    rollouts.rollout_id
            )
        ) AS seconds
    FROM rollouts
    INNER JOIN used ON rollouts.rollout_id = used.rollout_id
    INNER JOIN predicted_rollouts
        ON
            used.rollout_id = predicted_rollouts.rollout_id
            AND used.latency_model_id = predicted_rollouts.latency_model_id
    GROUP BY rollouts.run_id, rollouts.step
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
    - weights.lambda_t * coalesce(predicted.seconds, learning_curve.virtual_seconds) AS reward
FROM learning_curve
INNER JOIN weights USING (run_id)
LEFT JOIN predicted USING (run_id, step)
WHERE run_id = getvariable('run_id')
ORDER BY learning_curve.step;
