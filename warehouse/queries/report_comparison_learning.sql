-- What did each training step of each variant see? Means over its training seeds of what the seeds'
-- batches were, with the lowest and the highest seed; reward is S − λ_c·C − λ_t·T with its own λ.
WITH
members AS (
    SELECT
        variant,
        training_seed,
        run_id
    FROM comparison_members
    WHERE comparison_run_id = getvariable('run_id')
),

-- Where a latency model told the time, T is what it predicts.
used AS (
    SELECT DISTINCT
        credits.rollout_id,
        credits.latency_model_id
    FROM credits
    WHERE credits.latency_model_id IS NOT NULL
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
    INNER JOIN members ON rollouts.run_id = members.run_id
    INNER JOIN used ON rollouts.rollout_id = used.rollout_id
    INNER JOIN predicted_rollouts
        ON
            used.rollout_id = predicted_rollouts.rollout_id
            AND used.latency_model_id = predicted_rollouts.latency_model_id
    GROUP BY rollouts.run_id, rollouts.step
),

batches AS (
    SELECT
        members.variant,
        members.training_seed,
        learning_curve.step,
        learning_curve.score,
        learning_curve.cp_tokens,
        learning_curve.cost_usd,
        learning_curve.entropy,
        learning_curve.score
        - json_extract(runs.config_json, '$.training.lambda_c')::DOUBLE * learning_curve.cost_usd
        - json_extract(runs.config_json, '$.training.lambda_t')::DOUBLE
        * coalesce(predicted.seconds, learning_curve.virtual_seconds) AS reward
    FROM members
    INNER JOIN runs ON members.run_id = runs.run_id
    INNER JOIN learning_curve ON members.run_id = learning_curve.run_id
    LEFT JOIN predicted
        ON
            members.run_id = predicted.run_id
            AND learning_curve.step = predicted.step
),

curves AS (
    UNPIVOT batches
    ON score, cp_tokens, cost_usd, reward, entropy
    INTO NAME curve VALUE value
)

SELECT
    variant,
    step,
    curve,
    count(*) AS seeds,
    ordered_mean(list(value ORDER BY training_seed)) AS mean,
    min(value) AS lowest,
    max(value) AS highest
FROM curves
GROUP BY variant, step, curve
ORDER BY variant, curve, step;
