-- Updates that did not use exactly the rollouts of their batch that did not fail.
WITH
batches AS (
    SELECT
        run_id,
        step,
        checkpoint_id AS checkpoint_before,
        count_if(status = 'ok') AS rollouts,
        count_if(status = 'failed') AS failed_rollouts
    FROM rollouts
    WHERE purpose = 'train'
    GROUP BY run_id, step, checkpoint_id
)

SELECT
    updates.update_id,
    updates.rollouts,
    batches.rollouts AS stored_rollouts,
    updates.failed_rollouts,
    batches.failed_rollouts AS stored_failed_rollouts
FROM updates
-- An update may take its batch from another run; then there is nothing to count here.
INNER JOIN batches USING (run_id, step, checkpoint_before)
WHERE
    updates.rollouts <> batches.rollouts
    OR updates.failed_rollouts <> batches.failed_rollouts;
