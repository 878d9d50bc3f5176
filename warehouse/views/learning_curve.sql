-- Grain: one update step of one run: the batch it drew, means of it, and the update it made.
-- The reward is S − λ_c·C − λ_t·T; where a latency model told the time, T is what it predicts.
CREATE OR REPLACE VIEW learning_curve AS
WITH
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
        mean_in_order(predicted_rollouts.seconds, rollouts.sum_order, TRUE) AS seconds
    FROM used
    INNER JOIN predicted_rollouts USING (rollout_id, latency_model_id)
    INNER JOIN rollouts_in_order AS rollouts USING (rollout_id)
    WHERE rollouts.purpose = 'train'
    GROUP BY rollouts.run_id, rollouts.step
),

batches AS (
    SELECT
        run_id,
        step,
        count_if(status = 'ok')::BIGINT AS rollouts,
        count_if(status = 'failed')::BIGINT AS failed_rollouts,
        mean_in_order(score, sum_order, status = 'ok') AS score,
        mean_in_order(cost_usd, sum_order, status = 'ok') AS cost_usd,
        mean_in_order(cp_tokens, sum_order, status = 'ok') AS cp_tokens,
        mean_in_order(virtual_seconds, sum_order, status = 'ok') AS virtual_seconds,
        avg(len(graph)) FILTER (WHERE status = 'ok') AS layers,
        avg(len(flatten(graph))) FILTER (WHERE status = 'ok') AS operators
    FROM rollouts_in_order
    WHERE purpose = 'train'
    GROUP BY run_id, step
)

SELECT
    run_id,
    step,
    batches.rollouts,
    batches.failed_rollouts,
    batches.score,
    batches.cost_usd,
    batches.cp_tokens,
    batches.virtual_seconds,
    batches.layers,
    batches.operators,
    batches.score
    - json_extract(runs.config_json, '$.training.lambda_c')::DOUBLE * batches.cost_usd
    - json_extract(runs.config_json, '$.training.lambda_t')::DOUBLE
    * coalesce(predicted.seconds, batches.virtual_seconds) AS reward,
    updates.update_id,
    updates.decisions,
    updates.loss,
    updates.gradient_norm,
    updates.entropy,
    updates.baseline_mean,
    updates.baseline_scale,
    updates.checkpoint_before,
    updates.checkpoint_after
FROM batches
FULL JOIN updates USING (run_id, step)
INNER JOIN runs USING (run_id)
LEFT JOIN predicted USING (run_id, step);
