-- Grain: one update step of one run: the batch it drew and the update it made.
CREATE OR REPLACE VIEW learning_curve AS
WITH
batches AS (
    SELECT
        run_id,
        step,
        count_if(status = 'ok')::BIGINT AS rollouts,
        count_if(status = 'failed')::BIGINT AS failed_rollouts,
        ordered_mean(
            list(score ORDER BY step, problem_id, policy, sample_index, retry, rollout_id)
            FILTER (WHERE status = 'ok')
        ) AS score,
        ordered_mean(
            list(cost_usd ORDER BY step, problem_id, policy, sample_index, retry, rollout_id)
            FILTER (WHERE status = 'ok')
        ) AS cost_usd,
        ordered_mean(
            list(cp_tokens ORDER BY step, problem_id, policy, sample_index, retry, rollout_id)
            FILTER (WHERE status = 'ok')
        ) AS cp_tokens,
        ordered_mean(
            list(virtual_seconds ORDER BY step, problem_id, policy, sample_index, retry, rollout_id)
            FILTER (WHERE status = 'ok')
        ) AS virtual_seconds,
        avg(len(graph)) FILTER (WHERE status = 'ok') AS layers,
        avg(len(flatten(graph))) FILTER (WHERE status = 'ok') AS operators
    FROM rollouts
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
FULL JOIN updates USING (run_id, step);
